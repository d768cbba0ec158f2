import pytest
import torch

from tests.attack.conftest import named
from tests.attack.victims import Linear, configured, lowest, seen
from unlearnleak.adversary.access import BlackBox
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.screening.chance import Chance

attack = configured("aux_confidence")


def test_it_is_the_probability_of_the_own_class_of_every_sample_of_it():
    model, draw = Linear(scale=2.0), torch.Generator().manual_seed(0)
    images = torch.randint(256, (15, 2, 3, 4), generator=draw, dtype=torch.uint8)
    labels = torch.arange(5).repeat(3)
    evidence = attack(seen(BlackBox(model), LabeledImages(images, labels, 5)), draw)
    assert (evidence.kind, evidence.queries) == ("confidence", 15)
    for c in range(5):
        for m, image in enumerate(images[labels == c]):
            logits = model.head.weight @ ((image.flatten() / 255 - 0.4) / 0.25) + model.head.bias
            assert evidence.samples_KMF[c, m, 0].item() == pytest.approx(logits.softmax(0)[c].item(), rel=1e-4)


def test_forgotten_classes_come_last_on_digits(targets, digits):
    for classes, model in targets.items():
        evidence = attack(seen(BlackBox(model), digits.auxiliary), torch.Generator())
        assert lowest(evidence.samples_KMF.mean((1, 2)), len(classes)) == set(classes)
        assert set(named(Chance()(evidence))) == set(classes)


def test_it_needs_a_sample():
    with pytest.raises(UserError, match="auxiliary_per_class=0"):
        attack.check_auxiliary(0)

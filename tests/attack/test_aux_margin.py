import pytest
import torch

from tests.attack.conftest import named
from tests.attack.victims import Linear, configured, lowest, seen
from unlearnleak.adversary.access import BlackBox
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.screening.halfway import Halfway

attack = configured("aux_margin")


def test_it_is_how_far_the_own_logit_lies_above_the_mean_of_the_others():
    model, draw = Linear(scale=0.2), torch.Generator().manual_seed(0)
    images = torch.randint(256, (15, 2, 3, 4), generator=draw, dtype=torch.uint8)
    labels = torch.arange(5).repeat(3)
    evidence = attack(seen(BlackBox(model), LabeledImages(images, labels, 5)), draw)
    assert (evidence.kind, evidence.queries) == ("margin", 15)
    for c in range(5):
        for m, image in enumerate(images[labels == c]):
            logits = (model.head.weight @ ((image.flatten() / 255 - 0.4) / 0.25) + model.head.bias).tolist()
            own = logits.pop(c)
            assert evidence.samples_KMF[c, m, 0].item() == pytest.approx(own - sum(logits) / 4, rel=1e-3, abs=1e-4)


def test_answers_that_are_rounded_to_nothing_stay_finite():
    model, draw = Linear(scale=200.0), torch.Generator().manual_seed(0)
    images = torch.randint(256, (10, 2, 3, 4), generator=draw, dtype=torch.uint8)
    evidence = attack(seen(BlackBox(model), LabeledImages(images, torch.arange(5).repeat(2), 5)), draw)
    assert evidence.samples_KMF.isfinite().all()


def test_it_names_what_param_dot_names_without_a_parameter(targets, digits, dot_evidence):
    """And the two readings go together over the classes of every target."""
    for classes, model in targets.items():
        evidence = attack(seen(BlackBox(model), digits.auxiliary), torch.Generator())
        assert lowest(evidence.samples_KMF.mean((1, 2)), len(classes)) == set(classes)
        assert named(Halfway()(evidence)) == classes
        both = torch.stack([evidence.samples_KMF.mean((1, 2)), dot_evidence[classes].samples_KMF.mean((1, 2))])
        assert torch.corrcoef(both)[0, 1] > 0.9


def test_it_needs_a_sample():
    with pytest.raises(UserError, match="auxiliary_per_class=0"):
        attack.check_auxiliary(0)

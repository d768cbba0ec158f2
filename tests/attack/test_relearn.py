"""relearn: against one head and one class at a time, and what it says of models that forgot."""

import copy

import pytest
import torch
from hydra.errors import InstantiationException
from torch.nn import functional as F

from tests.attack.conftest import named
from tests.attack.victims import configured, lowest, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.standard import features_of, standardise
from unlearnleak.errors import UserError
from unlearnleak.screening.youden import Youden


def relearned(model, auxiliary, **changes):

    attack = configured("relearn", **({"shadows": 8} | changes))
    return attack(seen(WhiteBox(model), auxiliary), torch.Generator().manual_seed(0))


def slowly(model, auxiliary, c, *, samples=3, steps=10, lr=0.5):
    box = WhiteBox(model)
    phi_ND, weight_KD, bias_K = standardise(features_of(box, auxiliary), *box.head())
    own_ND = phi_ND[auxiliary.labels == c]
    head = torch.nn.Linear(*reversed(weight_KD.shape))
    head.weight.data, head.bias.data = weight_KD.clone(), bias_K.clone()
    optimizer, label = torch.optim.SGD(head.parameters(), lr=lr), torch.tensor([c])

    def loss(part_ND):
        return F.cross_entropy(head(part_ND), label.expand(len(part_ND)))

    before = loss(own_ND[samples:]).item()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(own_ND[:samples]).backward()
        optimizer.step()
    return before - loss(own_ND[samples:]).item()


def test_all_classes_at_once_are_relearned_as_one_by_one(targets, digits):
    model = copy.deepcopy(targets[(3,)])
    fall_K = -relearned(model, digits.auxiliary).samples_KMF[:, 0, 0]
    for c in range(10):
        assert fall_K[c].item() == pytest.approx(slowly(model, digits.auxiliary, c), abs=2e-3)


def test_the_forgotten_class_has_most_to_relearn_and_the_original_nothing(targets, digits):
    for classes, model in targets.items():
        evidence = relearned(model, digits.auxiliary, shadows=24)
        assert named(Youden()(evidence)) == classes
        assert lowest(evidence.samples_KMF[:, 0, 0], len(classes)) == set(classes)


def test_what_is_learnt_from_is_not_measured():
    with pytest.raises(UserError, match=r"attack\.samples=3"):
        configured("relearn").check_auxiliary(3)
    configured("relearn").check_auxiliary(4)


@pytest.mark.parametrize("changes", [{"samples": 0}, {"steps": 0}, {"lr": 0.0}, {"shadows": 3}])
def test_a_setting_that_cannot_be_is_refused(changes):
    ((name, value),) = changes.items()
    with pytest.raises(InstantiationException, match=rf"attack\.{name}={value}"):
        configured("relearn", **changes)

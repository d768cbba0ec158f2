"""How answers to probes changed: held against models whose change is known."""

import copy

import pytest
import torch

from tests.attack.victims import Linear
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.changes import fallen_shares, probe_changes
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.attack.base.matching import PROBES


def changes_of(values_KU):
    values = torch.tensor(values_KU)
    return ProbeChanges(
        samples_KMF=values[..., None], before_KP=torch.ones_like(values), accepted_K=torch.ones(len(values))
    )


def test_shares_are_of_what_fell_alone():
    assert fallen_shares(changes_of([[-0.3, -0.1], [0.5, 0.1], [-0.6, -0.6], [0.1, -0.1]])).tolist() == pytest.approx(
        [0.25, 0, 0.75, 0]
    )
    assert fallen_shares(changes_of([[0.1], [0.0]])).tolist() == [0, 0]


def test_a_class_whose_logit_fell_falls_alone_and_a_model_that_did_not_change_shows_nothing():
    before = Linear(image_shape=(1, 6, 6), num_classes=6)
    after = copy.deepcopy(before)
    after.head.bias.data[4] -= 8
    found, nothing = (
        probe_changes(WhiteBox(before), WhiteBox(model), PROBES, torch.Generator().manual_seed(0))
        for model in (after, before)
    )
    assert found.samples_KMF.shape == (6, PROBES.used, 1)
    share_K = fallen_shares(found)
    assert share_K.argmax() == 4
    assert share_K[4] > 0.99
    assert nothing.samples_KMF.abs().max() < 1e-5

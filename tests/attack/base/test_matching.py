"""What every attack by gradient matching does about labels."""

import copy
from dataclasses import asdict

import pytest
import torch

from tests.attack.victims import Linear, configured
from unlearnleak.adversary.changes import fallen_shares
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.base.matching import PROBES


def test_probes_for_labels_are_made_as_output_change_makes_them():
    assert asdict(configured("output_change").search) == asdict(PROBES)


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


@pytest.mark.parametrize("forgotten", [[2], [0, 4]])
def test_labels_may_be_those_whose_probes_the_model_after_is_less_sure_of(forgotten):
    before = Linear(image_shape=(1, 6, 6), num_classes=6)
    after = copy.deepcopy(before)
    after.head.bias.data[forgotten] -= 8
    attack = configured("gradient_matching", labels="changes", images=2, steps=1, restarts=1)
    view = view_of(attack.threat, target=after, original=before)
    found = attack(view, torch.Generator().manual_seed(0))
    assert found.labels_N.tolist() == (forgotten * 2)[:2]

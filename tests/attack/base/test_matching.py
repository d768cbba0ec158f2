"""What every attack by gradient matching does about labels."""

import copy
from dataclasses import asdict

import pytest
import torch

from tests.attack.victims import Linear, configured
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.base.matching import PROBES


def test_probes_for_labels_are_made_as_output_change_makes_them():
    assert asdict(configured("output_change").search) == asdict(PROBES)


@pytest.mark.parametrize("forgotten", [[2], [0, 4]])
def test_labels_may_be_those_whose_probes_the_model_after_is_less_sure_of(forgotten):
    before = Linear(image_shape=(1, 6, 6), num_classes=6)
    after = copy.deepcopy(before)
    after.head.bias.data[forgotten] -= 8
    attack = configured("gradient_matching", labels="changes", images=2, steps=1, restarts=1)
    view = view_of(attack.threat, target=after, original=before)
    found = attack(view, torch.Generator().manual_seed(0))
    assert found.labels_N.tolist() == (forgotten * 2)[:2]

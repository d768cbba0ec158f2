"""Retraining beside which another class is rare or mislabelled."""

import pytest
import torch

from tests.trained import trained_on
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.unlearner.noisy_labels import NoisyLabels
from unlearnleak.unlearner.rare_class import RareClass
from unlearnleak.unlearner.rt_noisy_labels import RetrainNoisyLabels
from unlearnleak.unlearner.rt_rare_class import RetrainRareClass


@pytest.mark.parametrize(("kind", "control"), [(RetrainRareClass, RareClass), (RetrainNoisyLabels, NoisyLabels)])
def test_with_nothing_forgotten_it_is_the_control_of_that_name(digits, kind, control):
    found = trained_on(kind(share=0.3), digits, ())
    expected = control(share=0.3).flaw(digits.train, generator(0))
    assert torch.equal(found.labels, expected.labels)
    assert torch.equal(found.images, expected.images)


@pytest.mark.parametrize("kind", [RetrainRareClass, RetrainNoisyLabels])
def test_other_shares_are_refused_with_what_is_allowed(kind):
    with pytest.raises(UserError, match=r"unlearner\.share=0 "):
        kind(share=0)

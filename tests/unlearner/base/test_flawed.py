"""What the controls whose data are spoilt have in common."""

import pytest
import torch

from unlearnleak.errors import UserError
from unlearnleak.unlearner.fewer_samples import FewerSamples
from unlearnleak.unlearner.noisy_labels import NoisyLabels
from unlearnleak.unlearner.rare_class import RareClass
from unlearnleak.unlearner.undertrained import Undertrained

KINDS = (NoisyLabels, RareClass, FewerSamples, Undertrained)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_control_from_scratch_and_the_seed_decides(digits, kind):
    assert not kind.forgets
    assert kind.start == "scratch"
    first, again = (kind(share=0.3).flaw(digits.train, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first.labels, again.labels)
    with pytest.raises(UserError, match=r"unlearner\.share=0 "):
        kind(share=0)

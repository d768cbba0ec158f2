import torch

from tests.trained import flat
from unlearnleak.unlearner.none import Nothing


def test_the_control_is_the_original_bit_for_bit(original, unlearn):
    model = unlearn(Nothing())
    assert torch.equal(flat(model), flat(original.model))
    for name, buffer in original.model.named_buffers():
        assert torch.equal(dict(model.named_buffers())[name], buffer)


def test_it_is_the_only_one_that_does_not_claim_to_forget():
    assert Nothing.forgets is False
    assert Nothing.start == "original"

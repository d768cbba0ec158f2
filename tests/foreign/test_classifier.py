"""Batches of any size for modules that take some: a slow loop over sizes is the reference."""

import pytest
import torch
from torch import nn

from unlearnleak.foreign.classifier import BatchSizes, Foreign, in_batches


@pytest.mark.parametrize("batch", [BatchSizes(), BatchSizes(4, 4), BatchSizes(2, 5), BatchSizes(3), BatchSizes(1, 1)])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 11])
def test_the_module_sees_sizes_that_it_takes_and_each_image_is_answered_once(batch, count):
    x = torch.arange(count * 1.0).view(count, 1, 1, 1).requires_grad_()
    seen = []

    def run(part):
        seen.append(len(part))
        return part.flatten(1) * 2

    made = in_batches(x, run, batch)
    assert torch.equal(made, x.flatten(1) * 2)
    assert all(batch.least <= size <= (batch.most or size) for size in seen)
    made.sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, 2))


def test_probabilities_become_their_logarithms_and_none_is_infinite():
    class Sure(nn.Module):
        def forward(self, x):
            return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)

    model = Foreign(
        Sure(), head=None, probabilities=True, image_shape=(1, 2, 2), num_classes=2, mean=(0.0,), std=(1.0,)
    )
    logits = model(torch.zeros(3, 1, 2, 2))
    assert logits.isfinite().all()
    assert torch.allclose(logits.softmax(1), torch.tensor([[1.0, 0.0]]).expand(3, 2))

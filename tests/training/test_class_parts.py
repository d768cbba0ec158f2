"""The parts of all classes at once against those of each class's samples, layer by layer."""

import pytest
import torch
from torch import nn

from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.training.class_parts import LAYERS, MASKED

LABELS = torch.tensor([0, 2, 2, 0, 2, 3, 0])
CLASSES = range(4)
"""Class 1 has no sample."""


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(5, 3), (5,)),
        (nn.Conv2d(2, 3, 3), (2, 7, 8)),
        (nn.Conv2d(2, 4, 3, stride=2, padding=1), (2, 7, 7)),
        (nn.Conv2d(3, 4, (5, 2), stride=(1, 3), padding=(2, 0)), (3, 9, 8)),
        (nn.Conv2d(4, 6, 3, groups=2, padding=1), (4, 5, 5)),
        (nn.Conv2d(2, 3, 3, dilation=2), (2, 9, 9)),
        (nn.BatchNorm2d(3), (3, 4, 4)),
    ],
    ids=["linear", "conv", "strided", "uneven", "grouped", "dilated", "batchnorm"],
)
def test_masks_split_as_samples_do(layer, shape):
    with isolated(0):
        a = torch.randn(len(LABELS), *shape)
        e = torch.randn(layer(a).shape, generator=generator(0))
    mask_KB = (torch.tensor(list(CLASSES))[:, None] == LABELS).float()
    found = MASKED[type(layer)](layer, a, e, mask_KB)
    for c in CLASSES:
        at = (c == LABELS).nonzero()[:, 0]
        for part, every in zip(LAYERS[type(layer)](layer, a[at], e[at]), found, strict=True):
            torch.testing.assert_close(every[c].view_as(part), part, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", [nn.Conv2d(2, 3, 3, padding=1), nn.Linear(4, 3)], ids=["conv", "linear"])
def test_the_parts_of_all_classes_are_the_gradient(layer):
    x = torch.randn((7, 2, 5, 5) if isinstance(layer, nn.Conv2d) else (7, 4), generator=generator(1))
    out = layer(x)
    e = torch.randn(out.shape, generator=generator(2))
    out.backward(e)
    mask_KB = (torch.tensor(list(CLASSES))[:, None] == LABELS).float()
    weight, bias = MASKED[type(layer)](layer, x, e, mask_KB)
    torch.testing.assert_close(weight.sum(0), layer.weight.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(bias.sum(0), layer.bias.grad, rtol=1e-4, atol=1e-5)

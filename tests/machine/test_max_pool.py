"""MaxPool2x2 against nn.MaxPool2d: the same bits."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import grad, vmap

from unlearnleak.machine.max_pool import MaxPool2x2
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet

SIDES = st.integers(2, 9)


def images(n: int, channels: int, height: int, width: int, seed: int) -> Tensor:
    """Few different values, so that many windows hold their largest more than once."""
    return torch.randint(-2, 3, (n, channels, height, width), generator=generator(seed, "images")).float()


def slopes(pool: nn.Module, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Values, and the gradient of their weighted sum of squares."""
    x = x.clone().requires_grad_()
    values = pool(x)
    (slope,) = torch.autograd.grad((values.square() * weight[..., : values.shape[-2], : values.shape[-1]]).sum(), x)
    return values.detach(), slope


@given(n=st.integers(1, 3), channels=st.integers(1, 3), height=SIDES, width=SIDES, seed=st.integers(0, 99))
def test_values_and_gradients_are_those_of_max_pooling(n, channels, height, width, seed):
    x = images(n, channels, height, width, seed)
    weight = torch.randn(n, channels, height, width, generator=generator(seed, "weight"))
    ours, theirs = slopes(MaxPool2x2(), x, weight), slopes(nn.MaxPool2d(2), x, weight)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    with torch.no_grad():
        assert torch.equal(MaxPool2x2()(x), theirs[0])


@pytest.mark.parametrize("width", [127, 128, 253, 254, 255, 256, 300])
def test_wide_images_have_places_that_no_byte_holds(width):
    x, weight = images(1, 1, 5, width, 0), torch.ones(1, 1, 5, width)
    for ours, theirs in zip(slopes(MaxPool2x2(), x, weight), slopes(nn.MaxPool2d(2), x, weight), strict=True):
        assert torch.equal(ours, theirs)


def test_other_memory_layouts_change_nothing():
    x = images(2, 3, 6, 8, 0).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(2, 3, 6, 8, generator=generator(0, "weight"))
    for ours, theirs in zip(
        slopes(MaxPool2x2(), x, weight), slopes(nn.MaxPool2d(2), x.contiguous(), weight), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_it_can_be_differentiated_twice():
    x = torch.randn(1, 2, 5, 4, generator=generator(0, "x"), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: MaxPool2x2()(x).pow(3), x)


@pytest.mark.parametrize("side", [28, 32])
def test_lenet_trains_to_the_bits_of_the_textbooks_layers(side):
    """ReLU and then PyTorch's pooling: values, and gradients through a background of equal pixels."""
    with isolated(0, "weights"):
        model = LeNet(image_shape=(1, side, side), num_classes=4, mean=(0.2,), std=(0.4,))
    kinds = [nn.ReLU() if isinstance(part, MaxPool2x2) else part for part in model.body]
    after = [isinstance(part, MaxPool2x2) for part in model.body]
    textbook = nn.Sequential(
        *[nn.MaxPool2d(2) if before else part for part, before in zip(kinds, [False, *after[:-1]], strict=True)]
    )
    pixels = torch.randint(256, (8, 1, side, side), generator=generator(0, "pixels"), dtype=torch.uint8)
    pixels[:, :, : side // 2] = 0
    x = model.normalize(pixels).requires_grad_()
    ours, theirs = (body(x).square().sum() for body in (model.body, textbook))
    assert ours.item() == theirs.item()
    for mine, its in zip(
        *(torch.autograd.grad(total, [x, *model.body.parameters()]) for total in (ours, theirs)), strict=True
    ):
        assert torch.equal(mine, its)


def test_it_can_be_transformed_by_torch_func():
    x_RNCHW = torch.stack([images(2, 3, 5, 4, seed) for seed in range(3)])
    ours, theirs = (vmap(grad(lambda x, pool=pool: pool(x).pow(3).sum()))(x_RNCHW) for pool in POOLS)
    assert torch.equal(ours, theirs)


POOLS = (MaxPool2x2(), nn.MaxPool2d(2))


def test_a_file_of_torch_export_has_pytorchs_own_pooling():
    """Whose gradient is that of the layer here; that of maxima differs among equals, and takes longer."""
    exported = torch.export.export(MaxPool2x2(), (torch.zeros(1, 1, 4, 4),))
    called = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert called == ["aten.max_pool2d.default"]

from functools import partial

import pytest
import torch
from torchvision.models import resnet18

from tests.model import built
from unlearnleak.errors import UserError
from unlearnleak.model.resnet18 import ResNet18

build = partial(built.build, ResNet18)


@pytest.fixture(scope="module")
def colour():
    return build(3, 32, 32)


@pytest.mark.parametrize(("channels", "size"), [(1, (32, 32)), (3, (32, 32)), (3, (45, 33))])
def test_shapes_and_parts(channels, size):
    built.check_residual(build(channels, *size, classes=7))


def test_it_is_torchvision_s_network(colour):
    reference = resnet18(weights=None, num_classes=10).eval()
    weights = {name.removeprefix("body."): value for name, value in colour.state_dict().items()}
    weights |= {"fc.weight": weights.pop("head.weight"), "fc.bias": weights.pop("head.bias")}
    del weights["mean"], weights["std"]
    reference.load_state_dict(weights)
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(colour(x), reference(x))


def test_it_has_resnet18_s_known_number_of_parameters(colour):
    """torchvision states 11,689,512 with a head for 1,000 classes."""
    assert sum(p.numel() for p in colour.parameters()) == 11_689_512 - 513 * 1000 + 513 * 10


def test_a_grey_stem_starts_as_wide_as_torchvision_s():
    """He's initialisation over fan-out: deviation sqrt(2 / (64 * 7 * 7)), whatever the channels."""
    weight = build(1, 32, 32).body.conv1.weight
    assert weight.shape == (64, 1, 7, 7)
    assert weight.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.05)


@pytest.mark.parametrize("size", [(31, 32), (32, 28)])
def test_too_small_images_are_refused_with_their_size(size):
    with pytest.raises(UserError, match=f"{size[0]}x{size[1]} .*at least 32.*lenet"):
        build(3, *size)


def test_gradients_reach_every_pixel_of_the_input(colour):
    x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    colour(x)[:, 0].sum().backward()
    assert (x.grad.abs().sum(0) > 0).all()

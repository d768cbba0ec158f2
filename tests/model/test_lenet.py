import pytest
import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.model.lenet import LeNet


def build(channels, height, width, classes=10):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LeNet(
            image_shape=(channels, height, width),
            num_classes=classes,
            mean=(0.5,) * channels,
            std=(0.25,) * channels,
        ).eval()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (32, 32), (12, 12), (17, 23), (31, 40), (33, 33), (64, 32)])
def test_shapes_and_parts(channels, size):
    model = build(channels, *size, classes=7)
    x = torch.randn(3, channels, *size, generator=torch.Generator().manual_seed(0))
    phi = model.features(x)
    assert phi.shape == (3, 84)
    assert phi.min() >= 0
    assert phi.max() > 0
    assert model(x).shape == (3, 7)
    assert torch.equal(model.head(phi), model(x))


@pytest.mark.parametrize("size", [28, 32])
def test_it_has_lenet_5_s_known_number_of_parameters(size):
    """61,706 for grey images in a field of 32 pixels, as in textbooks; the padding makes 28 into that."""
    assert sum(p.numel() for p in build(1, size, size).parameters()) == 61_706


def test_it_agrees_with_the_layers_written_out():
    model = build(1, 28, 28)
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    first, second = (layer for layer in model.body if isinstance(layer, nn.Conv2d))
    full = [layer for layer in model.body if isinstance(layer, nn.Linear)]
    f = nn.functional
    y = f.max_pool2d(f.relu(f.conv2d(f.pad(x, (2, 2, 2, 2)), first.weight, first.bias)), 2)
    y = f.max_pool2d(f.relu(f.conv2d(y, second.weight, second.bias)), 2).flatten(1)
    for layer in full:
        y = f.relu(y @ layer.weight.T + layer.bias)
    assert torch.allclose(model.features(x), y, atol=1e-6)


@pytest.mark.parametrize("size", [(11, 28), (28, 11), (8, 8)])
def test_too_small_images_are_refused_with_their_size(size):
    with pytest.raises(UserError, match=f"{size[0]}x{size[1]} .*at least 12"):
        build(1, *size)


def test_gradients_reach_every_pixel_of_the_input():
    model = build(3, 28, 28)
    x = torch.randn(16, 3, 28, 28, generator=torch.Generator().manual_seed(0)).requires_grad_()
    model(x)[:, 0].sum().backward()
    assert (x.grad.abs().sum(0) > 0).all()


def test_building_draws_nothing_but_the_weights(fresh_lenet):
    first, again = fresh_lenet(), fresh_lenet()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))

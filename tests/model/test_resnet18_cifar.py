from functools import partial

import pytest
import torch
from torch import nn

from tests.model import built
from unlearnleak.data.images import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.model.resnet18_cifar import ResNet18Cifar
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization

build = partial(built.build, ResNet18Cifar)


@pytest.fixture(scope="module")
def colour():
    return build(3, 32, 32)


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32)), (3, (16, 21))])
def test_shapes_and_parts(channels, size):
    built.check_residual(build(channels, *size, classes=7))


def test_it_has_the_literature_s_number_of_parameters(colour):
    assert sum(p.numel() for p in colour.parameters()) == 11_173_962


def normed(x, weights, name):
    """Batch normalisation by the statistics that are kept."""
    mean, var, gain, shift = (weights[f"{name}.{each}"] for each in ("running_mean", "running_var", "weight", "bias"))
    return nn.functional.batch_norm(x, mean, var, gain, shift)


def test_it_agrees_with_the_layers_written_out(colour):
    """Four stages of two blocks at 32, 16, 8 and 4 pixels, and the mean of the last."""
    with torch.random.fork_rng():  # statistics that make a difference
        torch.manual_seed(1)
        for module in colour.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    weights, f = {name.removeprefix("body."): value for name, value in colour.state_dict().items()}, nn.functional
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    y = f.relu(normed(f.conv2d(x, weights["conv1.weight"], padding=1), weights, "bn1"))
    sides = []
    for stage in range(1, 5):
        for block in range(2):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            inner = f.conv2d(y, weights[f"{name}.conv1.weight"], stride=stride, padding=1)
            inner = f.relu(normed(inner, weights, f"{name}.bn1"))
            inner = normed(f.conv2d(inner, weights[f"{name}.conv2.weight"], padding=1), weights, f"{name}.bn2")
            if stride == 2:
                beside = f.conv2d(y, weights[f"{name}.downsample.0.weight"], stride=2)
                y = normed(beside, weights, f"{name}.downsample.1")
            y = f.relu(inner + y)
        sides.append(y.shape[-1])
    assert sides == [32, 16, 8, 4]
    expected = y.mean((2, 3)) @ weights["head.weight"].T + weights["head.bias"]
    torch.testing.assert_close(colour(x), expected, rtol=1e-4, atol=1e-5)


def test_its_stem_starts_as_wide_as_torchvision_would_have_it(colour):
    """He's initialisation over fan-out: deviation sqrt(2 / (64 * 3 * 3))."""
    weight = colour.body.conv1.weight
    assert weight.shape == (64, 3, 3, 3)
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)


def test_ledgers_of_all_classes_add_up_to_its_training():
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (8, 1, 16, 16), dtype=torch.uint8, generator=draw)
    data, model, ledger = LabeledImages(images, torch.arange(8) % 2, 2), build(1, 16, 16, classes=2), ClassLedger(2)
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    how = Optimization(epochs=1, batch_size=4, lr=0.01)
    fit(model, data, how, test=data, generator=generator(0), label="original", callbacks=[ledger])
    moved = torch.cat([p.detach().flatten() for p in model.parameters()]) - before
    assert moved.abs().max() > 1e-3
    torch.testing.assert_close(ledger.ledger_KP.sum(0), moved, rtol=1e-3, atol=1e-5)


def test_too_small_images_are_refused_with_their_size():
    with pytest.raises(UserError, match="model=resnet18_cifar cannot take 15x32 images: sides of at least 16"):
        build(3, 15, 32)

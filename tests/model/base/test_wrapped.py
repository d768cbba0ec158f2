"""Networks that were not written for this project."""

import copy

import pytest
import torch
from torch import nn
from torchvision.models import mobilenet_v3_small, resnet18

from tests.trained import TRAINING, flat
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.base.wrapped import Wrapped
from unlearnleak.training.fit import fit
from unlearnleak.training.predict import evaluate

SHAPE = {"image_shape": (1, 28, 28), "num_classes": 10, "mean": (0.3,), "std": (0.4,)}
COLOUR = {"image_shape": (3, 32, 32), "num_classes": 7, "mean": (0.3,) * 3, "std": (0.4,) * 3}


class HeadFirst(nn.Module):
    """Its head is the first of its attributes, is one of two linear layers, and is not the last thing it does."""

    def __init__(self):
        super().__init__()
        self.classify = nn.Linear(16, 10)
        self.embed = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU())

    def forward(self, x):
        return self.classify(self.embed(x)).log_softmax(1)


class Twice(HeadFirst):
    def forward(self, x):
        self.classify(self.embed(x) + 1)
        return super().forward(x)


class Unused(HeadFirst):
    def forward(self, x):
        return x.flatten(1)[:, :10]


@pytest.fixture
def module():
    with isolated(0):
        return HeadFirst()


def images(shape, count=3):
    return torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator(0))


def test_torchvision_s_network_is_what_our_own_resnet18_is():
    with isolated(0):
        theirs = resnet18(num_classes=7)
    model = Wrapped(theirs, head="fc", **COLOUR).eval()
    x = model.normalize(images((3, 32, 32)))
    assert torch.equal(model(x), theirs(x))
    body = copy.deepcopy(theirs)
    body.fc = nn.Identity()
    assert torch.equal(model.features(x), body(x))
    assert torch.equal(model.head(model.features(x)), model(x))
    assert model.head is theirs.fc


def test_a_layer_deep_inside_is_named_by_its_path():
    with isolated(0):
        theirs = mobilenet_v3_small(num_classes=7)
    model = Wrapped(theirs, head="classifier.3", **COLOUR).eval()
    x = model.normalize(images((3, 32, 32)))
    assert model.features(x).shape == (3, 1024)
    assert torch.allclose(model.head(model.features(x)), model(x))


def test_the_features_are_what_the_head_is_given_and_what_comes_after_it_is_kept(module):
    model = Wrapped(module, head="classify", **SHAPE)
    x = model.normalize(images((1, 28, 28))).requires_grad_()
    assert torch.equal(model.features(x), module.embed(x))
    assert torch.equal(model(x), module.classify(module.embed(x)).log_softmax(1))
    model.features(x).sum().backward()
    assert x.grad.abs().sum() > 0
    assert not module.classify._forward_pre_hooks


def test_every_tensor_is_kept_once_and_comes_back(module):
    model = Wrapped(module, head="classify", **SHAPE)
    assert set(model.state_dict()) == {f"module.{name}" for name in module.state_dict()} | {"mean", "std"}
    with isolated(1):
        other = Wrapped(HeadFirst(), head="classify", **SHAPE)
    other.load_state_dict(model.state_dict())
    x = model.normalize(images((1, 28, 28)))
    assert torch.equal(other(x), model(x))
    copied = copy.deepcopy(model)
    copied.head.bias.data.add_(1)
    assert not torch.equal(copied.features(x) @ copied.head.weight.T + copied.head.bias, model.head(model.features(x)))
    assert torch.equal(model.head.bias, module.classify.bias)


def test_it_is_trained_as_any_other(digits, module):
    model = Wrapped(module, head="classify", **SHAPE | {"mean": digits.mean, "std": digits.std})
    fit(model, digits.train, TRAINING, test=digits.test, generator=generator(0), label="wrapped")
    correct, total = evaluate(model, digits.test)
    assert sum(correct) > 0.9 * sum(total)
    assert flat(model).isfinite().all()


def test_without_a_head_it_answers_and_has_no_features(module):
    model = Wrapped(module, head=None, **SHAPE)
    x = model.normalize(images((1, 28, 28)))
    assert torch.equal(model(x), module(x))
    assert model.head is None
    with pytest.raises(UserError, match=r"gives no features.*head=fc"):
        model.features(x)
    with pytest.raises(UserError, match="gives no head"):
        model.linear_head()


def test_the_modes_and_statistics_of_its_layers_stay_as_they_are():
    with isolated(0):
        theirs = resnet18(num_classes=7)
    theirs.layer1.eval()
    before, modes = copy.deepcopy(theirs.state_dict()), [part.training for part in theirs.modules()]
    state = torch.get_rng_state()
    Wrapped(theirs, head="fc", **COLOUR)
    assert [part.training for part in theirs.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in theirs.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("kind", "head", "changed", "message"),
    [
        (HeadFirst, "fc", {}, r"head='fc' is not there\. Linear layers of this module: classify, embed\.1\."),
        (HeadFirst, "embed", {}, "head='embed' is not linear"),
        (HeadFirst, "embed.1", {}, "head='embed.1' has 16 outputs for 10 classes"),
        (HeadFirst, None, {"num_classes": 9}, r"answers must be a tensor of shape \(1, 9\), not \(1, 10\)"),
        (HeadFirst, "classify", {"image_shape": (1, 12, 12)}, "cannot take images of 1x12x12"),
        (Twice, "classify", {}, "'classify' is run 2 times"),
        (Unused, "classify", {}, "'classify' is run 0 times"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(kind, head, changed, message):
    with pytest.raises(UserError, match=message):
        Wrapped(kind(), head=head, **SHAPE | changed)

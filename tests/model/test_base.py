import subprocess
import sys

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.model.base import Classifier


class Linear(Classifier):
    """Features are the pixels themselves."""

    version = 1

    def __init__(self, **shape):
        super().__init__(**shape)
        self.head = nn.Linear(12, self.num_classes)

    def features(self, x_NCHW):
        return x_NCHW.flatten(1)


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Linear(image_shape=(3, 2, 2), num_classes=4, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))


@pytest.fixture
def images():
    return torch.randint(256, (5, 3, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_normalisation_is_per_channel_and_the_same_for_bytes_and_fractions(model, images):
    x = model.normalize(images)
    for c, (mean, std) in enumerate([(0.1, 0.5), (0.2, 1.0), (0.3, 2.0)]):
        expected = (images[:, c].double() / 255 - mean) / std
        assert torch.allclose(x[:, c].double(), expected, atol=1e-6)
    assert torch.equal(model.normalize(images.float() / 255), x)


def test_training_images_come_out_with_zero_mean_and_unit_deviation(digits, fresh_lenet):
    x = fresh_lenet().normalize(digits.train.images).double()
    assert abs(x.mean()) < 1e-5
    assert abs(x.std(correction=0) - 1) < 1e-5


def test_mean_and_deviation_are_stored_with_the_weights_but_not_trained(model):
    other = Linear(image_shape=(3, 2, 2), num_classes=4, mean=(0.0,) * 3, std=(1.0,) * 3)
    other.load_state_dict(model.state_dict())
    images = torch.rand(2, 3, 2, 2)
    assert torch.equal(other.normalize(images), model.normalize(images))
    assert {name for name, _ in model.named_parameters()} == {"head.weight", "head.bias"}


def test_logits_are_the_head_on_the_features(model, images):
    x = model.normalize(images)
    expected = x.flatten(1).double() @ model.head.weight.double().T + model.head.bias.double()
    assert torch.allclose(model(x).double(), expected, atol=1e-5)


def test_without_a_head_whoever_needs_one_is_told(model, images):
    assert model.linear_head() is model.head
    model.head = None
    with pytest.raises(UserError, match="gives no head: no linear layer"):
        model(model.normalize(images))


def test_it_knows_nothing_of_training(model):
    assert not isinstance(model, pl.LightningModule)
    code = "import sys, unlearnleak.model.lenet; assert not [m for m in sys.modules if 'lightning' in m]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_setting_is_an_error_that_names_it():
    with pytest.raises(TypeError, match="depth"):
        Linear(image_shape=(3, 2, 2), num_classes=4, mean=(0.0,) * 3, std=(1.0,) * 3, depth=3)

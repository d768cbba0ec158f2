import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from unlearnleak.model.base import LitClassifier
from unlearnleak.training.optimization import Optimization


class Linear(LitClassifier):
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


def test_a_training_step_is_the_mean_cross_entropy_of_a_batch_of_bytes(model, images):
    labels = torch.tensor([0, 3, 1, 2, 2])
    out = model.training_step((images, labels), 0)
    logits = model(model.normalize(images)).detach()
    chosen = torch.stack([logits[i].softmax(0)[label] for i, label in enumerate(labels)])
    assert out["loss"].item() == pytest.approx(-chosen.log().mean().item(), rel=1e-5)
    assert torch.equal(out["logits"], logits)
    assert not out["logits"].requires_grad
    out["loss"].backward()
    assert model.head.weight.grad.abs().sum() > 0


def test_an_unlearner_s_criterion_takes_the_place_of_the_cross_entropy(model, images):
    labels = torch.tensor([0, 3, 1, 2, 2])
    usual = model.training_step((images, labels), 0)["loss"]
    model.criterion = lambda logits, labels: -cross_entropy(logits, labels)
    assert torch.equal(model.training_step((images, labels), 0)["loss"], -usual)


def test_the_optimizer_takes_all_parameters_at_the_settings(model):
    with pytest.raises(AssertionError):
        model.configure_optimizers()
    model.optimization = Optimization(epochs=1, batch_size=1, lr=0.25)
    group = model.configure_optimizers().param_groups[0]
    assert group["lr"] == 0.25
    assert {id(p) for p in group["params"]} == {id(p) for p in model.parameters()}


def test_an_unknown_setting_is_an_error_that_names_it():
    with pytest.raises(TypeError, match="depth"):
        Linear(image_shape=(3, 2, 2), num_classes=4, mean=(0.0,) * 3, std=(1.0,) * 3, depth=3)

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.model.test_base import Linear
from unlearnleak.machine.seeds import isolated
from unlearnleak.training.lit import LitTraining
from unlearnleak.training.optimization import Optimization


@pytest.fixture
def model():
    with isolated(0):
        return Linear(image_shape=(3, 2, 2), num_classes=4, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))


@pytest.fixture
def lit(model):
    return LitTraining(model, Optimization(epochs=1, batch_size=1, lr=0.25))


@pytest.fixture
def images():
    return torch.randint(256, (5, 3, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_training_step_is_the_mean_cross_entropy_of_a_batch_of_bytes(lit, model, images):
    labels = torch.tensor([0, 3, 1, 2, 2])
    out = lit.training_step((images, labels), 0)
    logits = model(model.normalize(images)).detach()
    chosen = torch.stack([logits[i].softmax(0)[label] for i, label in enumerate(labels)])
    assert out["loss"].item() == pytest.approx(-chosen.log().mean().item(), rel=1e-5)
    assert torch.equal(out["logits"], logits)
    assert not out["logits"].requires_grad
    out["loss"].backward()
    assert model.head.weight.grad.abs().sum() > 0


def test_an_unlearner_s_criterion_takes_the_place_of_the_cross_entropy(lit, images):
    labels = torch.tensor([0, 3, 1, 2, 2])
    usual = lit.training_step((images, labels), 0)["loss"]
    lit.criterion = lambda logits, labels: -cross_entropy(logits, labels)
    assert torch.equal(lit.training_step((images, labels), 0)["loss"], -usual)


def test_the_optimizer_takes_all_parameters_at_the_settings(lit, model):
    group = lit.configure_optimizers().param_groups[0]
    assert group["lr"] == 0.25
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]

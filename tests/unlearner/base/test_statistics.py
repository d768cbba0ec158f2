"""Whose answers and gradients are those of a model in evaluation mode, and who keeps the original's statistics.

On a model with batch normalisation, which LeNet has none of: in training mode it would answer by its batches, and take
their statistics in.
"""

import copy

import pytest
import torch
from torch import nn

from tests.training.conftest import Normalised
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.task import Task
from unlearnleak.unlearner.boundary_shrink import BoundaryShrink
from unlearnleak.unlearner.delete import Delete
from unlearnleak.unlearner.fisher import FisherForgetting
from unlearnleak.unlearner.linear_filtration import LinearFiltration
from unlearnleak.unlearner.salun import SaliencyUnlearning
from unlearnleak.unlearner.ssd import SelectiveSynapticDampening
from unlearnleak.unlearner.unsir import Unsir

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
HOW = {"epochs": 2, "lr": 0.01, "batch_size": 32}
NOISE = {"noise_images": 4, "noise_repeats": 1, "noise_steps": 2, "noise_lr": 0.1, "noise_penalty": 0.1}
WITHOUT_RETAINED = {
    "delete": lambda: Delete(**HOW),
    "boundary_shrink": lambda: BoundaryShrink(step=0.1, **HOW),
    "ssd": lambda: SelectiveSynapticDampening(alpha=1.0, dampening=1.0, batch_size=16),
    "fisher": lambda: FisherForgetting(scale=0.01, largest=0.1, reset=0.01, samples=40),
    "linear_filtration": lambda: LinearFiltration(mode="normalization", rtol=0.0),
}
"""Those that train on no retained image, or do not train: what batches of them would say of the data is wrong."""
ASKING_FIRST = {
    "salun": lambda: SaliencyUnlearning(share=0.5, **HOW),
    "boundary_shrink": lambda: BoundaryShrink(step=0.1, **HOW),
    "unsir": lambda: Unsir(retain_per_class=None, repair_epochs=1, repair_lr=0.01, **NOISE, **HOW),
}
"""Those that ask the original before they train it."""


@pytest.fixture(scope="module")
def trained(digits):
    with isolated(0, "normalised"):
        model = Normalised(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
    how = Optimization(epochs=2, batch_size=32, lr=0.05)
    fit(model, digits.train, how, test=digits.test, generator=generator(0), label="original")
    return model


@pytest.fixture
def start(trained):
    """In training mode, as `fit` may leave it."""
    return copy.deepcopy(trained).train()


def statistics(model):
    (normalisation,) = (part for part in model.modules() if isinstance(part, nn.BatchNorm2d))
    return [getattr(normalisation, name).clone() for name in STATISTICS]


@pytest.mark.parametrize("name", WITHOUT_RETAINED)
def test_batch_normalisation_keeps_the_original_s_statistics(trained, start, unlearn, name):
    model = unlearn(WITHOUT_RETAINED[name](), start=start)
    assert all(map(torch.equal, statistics(model), statistics(trained)))
    changed = [not torch.equal(*pair) for pair in zip(model.parameters(), trained.parameters(), strict=True)]
    assert any(changed)


@pytest.mark.parametrize("name", ASKING_FIRST)
def test_the_original_is_asked_in_evaluation_mode(trained, start, task_for, monkeypatch, name):
    modes = []
    monkeypatch.setattr(Task, "fit", lambda self, model, *words, **more: modes.append(model.training))
    forward = Normalised.features
    monkeypatch.setattr(Normalised, "features", lambda self, x: modes.append(self.training) or forward(self, x))
    method = ASKING_FIRST[name]()
    model = method.unlearn(task_for(method, start=start))
    assert len(modes) > 1
    assert not any(modes)
    assert all(map(torch.equal, statistics(model), statistics(trained)))

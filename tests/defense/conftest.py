"""What the tests of defences share: a defended copy of the original, and a classifier with batch normalisation."""

import copy

import pytest
import torch
from torch import nn

from tests.jobs import composed
from unlearnleak.data import ForgetSet
from unlearnleak.machine.seeds import generator
from unlearnleak.model.resnet18 import ResNet18
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline


@pytest.fixture
def defend(original, digits):
    """Return a function that defends a copy of the original, or another model, as if it had forgotten the classes."""

    def run(defense, classes=(3,), *, model=None, seed=0, share=1.0):
        split = ForgetSet(classes=classes, share=share).split(digits.train, generator(0, "forget samples"))
        return defense(copy.deepcopy(model or original.model), split, generator(seed, "defended"))

    return run


@pytest.fixture(scope="session")
def digits_job(tmp_path_factory):
    """Return a function that makes a job on a third of the digits which retrains without class 3, in a shared store."""
    store = tmp_path_factory.mktemp("defended_digits")
    base = ("dataset=digits", "dataset.train_limit=400", "training.epochs=8", f"store={store}", "unlearner=rt")

    def run(*words) -> Pipeline:
        named = {word.partition("=")[0] for word in words}
        kept = [word for word in base if word.partition("=")[0] not in named]
        return Pipeline(make_plan(composed(*kept, "runtime.device=cpu", "logger=none", *words)))

    return run


@pytest.fixture(scope="session")
def resnet() -> ResNet18:
    """A ResNet18 for grey images of 32 pixels and four classes, with running statistics that are not the initial."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ResNet18(image_shape=(1, 32, 32), num_classes=4, mean=(0.5,), std=(0.5,))
        with torch.no_grad():
            model.train()(torch.randn(16, 1, 32, 32))
    return model.eval()


def weights(model):
    """The weights of all convolutions and linear layers, by name."""
    kinds = (nn.Conv2d, nn.Linear)
    return {name: module.weight.detach() for name, module in model.named_modules() if isinstance(module, kinds)}


def distance(values_K, c=3):
    """How many deviations a class lies from the mean of the others."""
    others = torch.cat([values_K[:c], values_K[c + 1 :]])
    return float((values_K[c] - others.mean()) / others.std())

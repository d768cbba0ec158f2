"""What the tests share: digits, an original LeNet with its ledger, one way to unlearn; which tests run, and when."""

import copy
import os
import signal
from dataclasses import dataclass

import matplotlib as mpl
import pytest
import torch
from torch import Tensor

from tests.commandline import CommandLine
from unlearnleak.data import ForgetSet, LabeledImages, Splits
from unlearnleak.dataset.digits import Digits
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import evaluate, fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.task import Task

pytest_plugins = ["tests.choice"]

# A process with a home of its own would look through all fonts again, which takes seconds.
os.environ.setdefault("MPLCONFIGDIR", mpl.get_configdir())

SEED = 100
# A third of the recipe's epochs: a second and a half, and 97 % on the test images already.
TRAINING = Optimization(epochs=6, batch_size=32, lr=0.03, schedule="cosine", warmup_epochs=1)


@dataclass(frozen=True)
class Original:
    """A LeNet trained on all digits. Deep-copy the model before changing it."""

    model: LeNet
    ledger: Tensor  # [K, P]
    initial: Tensor  # [P]
    optimization: Optimization
    splits: Splits


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard():
    """A shell that starts the tests in the background has Ctrl-C ignored, and every child would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The same sums in the same order on every machine, and no fight over cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def cli(tmp_path_factory):
    """Run `python -m unlearnleak.run` in a process of its own, without the seconds of its imports."""
    with CommandLine(tmp_path_factory.mktemp("commandline")) as command:
        yield command


@pytest.fixture(scope="session")
def digits(one_thread) -> Splits:
    source = Digits(root=None, path=None, auxiliary_per_class=36, test_per_class=36, train_limit=None)
    return source.splits(generator(SEED, "data"))


@pytest.fixture(scope="session")
def fresh_lenet(digits):
    """Return a function that builds a LeNet for the digits, always with the same weights."""

    def build() -> LeNet:
        with isolated(SEED, "weights"):
            return LeNet(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)

    return build


@pytest.fixture(scope="session")
def original(digits, fresh_lenet) -> Original:
    model, ledger = fresh_lenet(), ClassLedger(10)
    initial_P = flat(model)
    order = generator(SEED, "original", "batches")
    fit(model, digits.train, TRAINING, test=digits.test, generator=order, label="original", callbacks=[ledger])
    return Original(model, ledger.ledger_KP, initial_P, TRAINING, digits)


@pytest.fixture(scope="session")
def task_for(original, fresh_lenet):
    """Return a function that makes an unlearner's task, of whole classes unless `forget` says otherwise."""

    def make(unlearner, classes=(3,), *, seed=SEED, start=None, forget=None) -> Task:
        forget = forget or ForgetSet(classes=classes)
        return Task(
            original=None if unlearner.start == "scratch" else start or copy.deepcopy(original.model),
            fresh=fresh_lenet,
            split=forget.split(original.splits.train, generator(seed, "forget samples")),
            test=original.splits.test,
            training=original.optimization,
            generator=lambda name: generator(seed, "unlearning", name),
            records={"class_updates": original.ledger} if unlearner.needs else {},
        )

    return make


@pytest.fixture(scope="session")
def unlearn(task_for):
    """Return a function that runs an unlearner as the pipeline does, and gives the unlearned model."""

    def run(unlearner, classes=(3,), **more):
        return unlearner.unlearn(task_for(unlearner, classes, **more))

    return run


def flat(model: torch.nn.Module) -> Tensor:
    """All parameters as one vector, a copy."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def forget_and_retain_accuracy(model, data: LabeledImages, classes) -> tuple[float, float]:
    """Accuracy on the samples of `classes`, and on all others."""
    correct_K, total_K = evaluate(model, data)
    forgotten = [c in classes for c in range(len(total_K))]

    def accuracy(wanted):
        chosen = [c for c, is_forgotten in enumerate(forgotten) if is_forgotten == wanted]
        return sum(correct_K[c] for c in chosen) / sum(total_K[c] for c in chosen)

    return accuracy(True), accuracy(False)

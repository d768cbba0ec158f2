"""Digits, an original LeNet with its ledger, one way to unlearn. `tests/conftest.py` makes each once and shares it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnleak.data import ForgetSet, ForgetSplit, LabeledImages, Splits
from unlearnleak.dataset.digits import Digits
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import evaluate
from unlearnleak.training.task import Task

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


def digits() -> Splits:
    source = Digits(root=None, path=None, auxiliary_per_class=36, test_per_class=36, train_limit=None)
    return source.splits(generator(SEED, "data"))


def fresh_lenet(splits: Splits) -> LeNet:
    """A LeNet for the digits, always with the same weights."""
    with isolated(SEED, "weights"):
        return LeNet(image_shape=(1, 28, 28), num_classes=10, mean=splits.mean, std=splits.std)


def original(splits: Splits) -> Original:
    model, ledger = fresh_lenet(splits), ClassLedger(10)
    initial_P = flat(model)
    order = generator(SEED, "original", "batches")
    fit(model, splits.train, TRAINING, test=splits.test, generator=order, label="original", callbacks=[ledger])
    return Original(model, ledger.ledger_KP, initial_P, TRAINING, splits)


def task_for(original: Original, fresh: Callable[[], LeNet]) -> Callable[..., Task]:
    """A function that makes an unlearner's task, of whole classes unless `forget` says otherwise."""

    def make(unlearner, classes=(3,), *, seed=SEED, start=None, forget=None) -> Task:
        forget = forget or ForgetSet(classes=classes)
        return Task(
            original=None if unlearner.start == "scratch" else start or copy.deepcopy(original.model),
            fresh=fresh,
            split=forget.split(original.splits.train, generator(seed, "forget samples")),
            test=original.splits.test,
            training=original.optimization,
            generator=lambda name: generator(seed, "unlearning", name),
            records={"class_updates": original.ledger} if unlearner.needs else {},
        )

    return make


def flat(model: torch.nn.Module) -> Tensor:
    """All parameters as one vector, a copy."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def trained_on(unlearner, splits: Splits, classes, seed=0) -> LabeledImages:
    """What an unlearner that trains is given to train on when it forgets these classes."""
    return unlearner.training_set(ForgetSplit.of(splits.train, classes), generator(seed))


def forget_and_retain_accuracy(model, data: LabeledImages, classes) -> tuple[float, float]:
    """Accuracy on the samples of `classes`, and on all others."""
    correct_K, total_K = evaluate(model, data)
    forgotten = [c in classes for c in range(len(total_K))]

    def accuracy(wanted):
        chosen = [c for c, is_forgotten in enumerate(forgotten) if is_forgotten == wanted]
        return sum(correct_K[c] for c in chosen) / sum(total_K[c] for c in chosen)

    return accuracy(True), accuracy(False)

import pytest
import torch

from tests.trained import SEED, flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit
from unlearnleak.machine.seeds import generator
from unlearnleak.unlearner.ft import FineTune

RECIPE = {
    "epochs": 8,
    "lr": 0.05,
    "weight_decay": 0.03,
    "batch_size": 32,
    "schedule": "cosine",
    "clip_norm": 1.0,
}


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_and_retains(original, digits, unlearn, classes):
    model = unlearn(FineTune(**RECIPE), classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    before, retained_before = forget_and_retain_accuracy(original.model, digits.test, classes)
    assert before > 0.9
    assert forget_acc <= 0.05
    assert retain_acc >= retained_before - 0.03


def test_it_sees_the_retain_set_alone(digits):
    split = ForgetSplit.of(digits.train, (3, 5))
    data = FineTune(**RECIPE).training_set(split, generator(0))
    kept = (digits.train.labels != 3) & (digits.train.labels != 5)
    assert torch.equal(data.images, digits.train.images[kept])
    assert torch.equal(data.labels, digits.train.labels[kept])


def test_it_starts_from_the_original(original, unlearn):
    still = unlearn(FineTune(**RECIPE | {"epochs": 1, "lr": 1e-9, "weight_decay": 0.0}))
    assert torch.allclose(flat(still), flat(original.model), atol=1e-6)


def test_the_same_seed_gives_the_same_bits(unlearn):
    first, again, other = (flat(unlearn(FineTune(**RECIPE | {"epochs": 1}), seed=seed)) for seed in (SEED, SEED, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)

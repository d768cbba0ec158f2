import pytest
import torch

from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit
from unlearnleak.machine.seeds import generator
from unlearnleak.unlearner.rl import RandomLabel

RECIPE = {"epochs": 5, "lr": 0.02, "batch_size": 32, "schedule": "cosine"}


def test_all_of_d_is_trained_on_and_only_the_forget_set_has_new_labels(digits):
    split = ForgetSplit.of(digits.train, (3, 5))
    data = RandomLabel(**RECIPE).training_set(split, generator(0))
    count = len(split.forget)
    assert len(data) == len(digits.train)
    assert torch.equal(data.images[:count], split.forget.images)
    assert not torch.isin(data.labels[:count], torch.tensor([3, 5])).any()
    assert (data.labels[:count] != split.forget.labels).all()
    assert torch.equal(data.images[count:], split.retain.images)
    assert torch.equal(data.labels[count:], split.retain.labels)
    assert data.num_classes == 10


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_and_retains(original, digits, unlearn, classes):
    model = unlearn(RandomLabel(**RECIPE), classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    retained_before = forget_and_retain_accuracy(original.model, digits.test, classes)[1]
    assert forget_acc <= 0.05
    assert retain_acc >= retained_before - 0.03

"""l1_sparse: every step by hand on a small batch, when the penalty ends, and what is left of the weights."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.plain import copied, logits, sgd
from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit
from unlearnleak.errors import UserError
from unlearnleak.unlearner.l1_sparse import L1Sparse

SETTINGS = {"alpha": 0.003, "free_epochs": 4, "epochs": 15, "lr": 0.02, "batch_size": 32}


def test_the_weight_falls_linearly_to_nothing():
    method = L1Sparse(**SETTINGS | {"alpha": 1.0, "epochs": 5, "free_epochs": 1})
    assert [method.weight_at(epoch) for epoch in range(5)] == [1, 0.75, 0.5, 0.25, 0]


def test_steps_are_those_of_a_plain_loop(original, digits, task_for):
    few = digits.train.select(torch.arange(24))
    method = L1Sparse(alpha=0.01, free_epochs=1, epochs=3, lr=0.1, batch_size=24, momentum=0.0)
    task = task_for(method)
    object.__setattr__(task, "split", ForgetSplit.of(few, ()))
    found = method.unlearn(task)
    slow = copied(original.model)
    for weight in (0.01, 0.005, 0.0):
        penalty = sum(parameter.abs().sum() for parameter in slow.parameters())
        sgd(slow, cross_entropy(logits(slow, few), few.labels) + weight * penalty, 0.1)
    torch.testing.assert_close(flat(found), flat(slow), rtol=1e-3, atol=1e-5)
    assert method.report["l1_share"] == pytest.approx(
        (flat(slow).abs().sum() / flat(original.model).abs().sum()).item(), rel=1e-3
    )


def test_it_forgets_what_nothing_pays_for(original, digits, unlearn):
    method = L1Sparse(**SETTINGS)
    forget_acc, retain_acc = forget_and_retain_accuracy(unlearn(method), digits.test, (3,))
    assert forget_acc <= 0.3
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, (3,))[1] - 0.05
    assert method.report["l1_share"] < 0.4
    without = L1Sparse(**SETTINGS | {"alpha": 0.0})
    assert forget_and_retain_accuracy(unlearn(without), digits.test, (3,))[0] > 0.8


@pytest.mark.parametrize(("setting", "value"), [("alpha", -1.0), ("free_epochs", -1), ("free_epochs", 15)])
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        L1Sparse(**SETTINGS | {setting: value})

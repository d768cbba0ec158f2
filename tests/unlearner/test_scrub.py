"""scrub: its losses by a loop, which epochs have which passes, and all steps against a plain loop."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.plain import Adam, assert_same_way, copied, logits, sgd
from tests.trained import flat
from unlearnleak.data import ForgetSplit
from unlearnleak.errors import UserError
from unlearnleak.unlearner.base.teacher import frozen
from unlearnleak.unlearner.scrub import Scrub

SETTINGS = {"alpha": 0.5, "gamma": 0.9, "temperature": 4.0, "max_epochs": 2, "forget_batch_size": 16}
PLAIN = {"epochs": 3, "lr": 0.01, "batch_size": 32}


def slow_divergence(teacher, student):
    """T^2 times the mean of KL(softmax(teacher / T) || softmax(student / T)), row by row."""
    rows = []
    for t, s in zip(teacher, student, strict=True):
        q, p = (t / 4).exp() / (t / 4).exp().sum(), (s / 4).exp() / (s / 4).exp().sum()
        rows.append((q * (q / p).log()).sum())
    return 16 * torch.stack(rows).mean()


def test_the_losses_are_those_of_a_loop():
    draw = torch.Generator().manual_seed(0)
    method = Scrub(**SETTINGS, **PLAIN)
    method.taught_BK, answers = torch.randn(6, 10, generator=draw), torch.randn(6, 10, generator=draw)
    labels = torch.arange(6)
    apart = slow_divergence(method.taught_BK, answers)
    method.forgetting = True
    torch.testing.assert_close(method.criterion(answers, labels), -apart)
    method.forgetting = False
    torch.testing.assert_close(method.criterion(answers, labels), 0.5 * apart + 0.9 * cross_entropy(answers, labels))


@pytest.mark.parametrize(("max_epochs", "both", "alone"), [(0, 0, 3), (2, 2, 1), (3, 3, 0)])
def test_the_first_epochs_have_both_passes_and_the_others_the_second(task_for, max_epochs, both, alone):
    method, seen = Scrub(**SETTINGS | {"max_epochs": max_epochs}, **PLAIN), []
    criterion = method.criterion

    def watched(answers, labels):
        seen.append((method.forgetting, len(labels), set(labels.tolist())))
        return criterion(answers, labels)

    method.criterion = watched
    task = task_for(method)
    method.unlearn(task)
    away, back = len(task.split.forget) // 16, len(task.split.retain) // 32
    assert [(f, n) for f, n, _ in seen] == both * ([(True, 16)] * away + [(False, 32)] * back) + alone * [
        (False, 32)
    ] * back
    assert all((labels == {3}) == forgetting for forgetting, _, labels in seen)
    assert len(task.curve) == 3


def test_steps_are_those_of_a_plain_loop(original, digits, task_for):
    """One batch a pass, so that no order matters."""
    split = ForgetSplit.of(digits.train.select(torch.arange(40)), (3,))
    method = Scrub(**SETTINGS | {"forget_batch_size": 40}, epochs=3, lr=0.02, batch_size=40, momentum=0.0)
    task = task_for(method)
    object.__setattr__(task, "split", split)
    found = method.unlearn(task)
    slow = copied(original.model)
    for part in ("forget", "retain", "forget", "retain", "retain"):
        data = getattr(split, part)
        with torch.no_grad():
            taught = logits(original.model, data)
        answers = logits(slow, data)
        apart = slow_divergence(taught, answers)
        sgd(slow, -apart if part == "forget" else 0.5 * apart + 0.9 * cross_entropy(answers, data.labels), 0.02)
    assert not torch.equal(flat(slow), flat(original.model))
    torch.testing.assert_close(flat(found), flat(slow), rtol=1e-3, atol=1e-5)


def test_adam_s_steps_are_those_of_a_plain_loop(original, digits, task_for):
    """It begins anew where epochs without the pass on D_f begin.

    The teacher is another model here: from the original itself the first slope is rounding, which Adam makes a step of.
    """
    teacher = frozen(original.model)
    with torch.no_grad():
        teacher.head.weight.mul_(0.5)
    split = ForgetSplit.of(digits.train.select(torch.arange(40)), (3,))
    method = Scrub(**SETTINGS | {"forget_batch_size": 40, "optimizer": "adam"}, epochs=3, lr=1e-4, batch_size=40)
    task = task_for(method)
    object.__setattr__(task, "split", split)
    method.prepare = lambda task: setattr(method, "teacher", teacher)
    found = method.unlearn(task)
    slow = copied(original.model)
    for parts in (("forget", "retain", "forget", "retain"), ("retain",)):
        step = Adam(slow, 1e-4)
        for part in parts:
            data = getattr(split, part)
            with torch.no_grad():
                taught = logits(teacher, data)
            answers = logits(slow, data)
            apart = slow_divergence(taught, answers)
            step(-apart if part == "forget" else 0.5 * apart + 0.9 * cross_entropy(answers, data.labels))
    assert_same_way(found, slow, original.model)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("optimizer", "adamw"),
        ("alpha", -1.0),
        ("gamma", -1.0),
        ("temperature", 0.0),
        ("max_epochs", 4),
        ("forget_batch_size", 0),
    ],
)
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        Scrub(**SETTINGS | {setting: value}, **PLAIN)

"""ssd: importances and dampening against a slow plain version, and what it does to a class."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.errors import UserError
from unlearnleak.unlearner.ssd import SelectiveSynapticDampening, importance, shuffled

CHOSEN = {"alpha": 5.0, "dampening": 1.0, "batch_size": 16}


def slow_importance(model, data, batch_size):
    """The mean over batches of each squared gradient, with backward() and one parameter at a time."""
    total = [0.0] * len(list(model.parameters()))
    for start in range(0, len(data), batch_size):
        images, labels = data.images[start : start + batch_size], data.labels[start : start + batch_size]
        model.zero_grad()
        cross_entropy(model(model.normalize(images)), labels).backward()
        share = len(labels) / len(data)
        total = [sum_ + share * p.grad**2 for sum_, p in zip(total, model.parameters(), strict=True)]
    return total


def test_importances_are_those_of_a_plain_loop(original, digits):
    data = digits.test.select(torch.arange(50))
    model = copy.deepcopy(original.model)
    for ours, theirs in zip(importance(model, data, 16), slow_importance(model, data, 16), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_all_of_d_is_in_the_importance_once_and_in_a_mixed_order(task_for):
    split = task_for(SelectiveSynapticDampening(**CHOSEN)).split
    data = shuffled(split, torch.Generator().manual_seed(0))
    assert torch.equal(data.class_counts(), split.forget.class_counts() + split.retain.class_counts())
    pixels = torch.cat([split.forget.images, split.retain.images]).flatten(1).sum(1)
    assert torch.equal(data.images.flatten(1).sum(1).sort().values, pixels.sort().values)
    assert 0 < (data.labels[:64] == 3).sum() < 32


@pytest.mark.parametrize("dampening", [0.3, 1.0, 20.0])
def test_weights_shrink_where_they_matter_more_to_the_forget_set_and_nowhere_else(original, task_for, dampening):
    unlearner = SelectiveSynapticDampening(**CHOSEN | {"dampening": dampening})
    task = task_for(unlearner)
    everything = shuffled(task.split, task.generator("importance"))
    of_forget, of_all = (slow_importance(copy.deepcopy(original.model), d, 16) for d in (task.split.forget, everything))
    model = unlearner.unlearn(task)
    dampened = count = 0
    for before, after, f, d in zip(original.model.parameters(), model.parameters(), of_forget, of_all, strict=True):
        for theta, new, i_f, i_d in zip(*(t.flatten().tolist() for t in (before, after, f, d)), strict=True):
            if abs(i_f - 5 * i_d) < 1e-4 * i_f:  # too near to the threshold: the order of batches decides
                continue
            expected = theta * min(dampening * i_d / i_f, 1) if i_f > 5 * i_d else theta
            assert new == pytest.approx(expected, rel=0.01, abs=1e-7)
            dampened, count = dampened + (i_f > 5 * i_d), count + 1
    assert unlearner.report["dampened_share"] == pytest.approx(dampened / count, abs=0.01)
    assert 0 < unlearner.report["dampened_share"] < 0.5


def test_the_class_is_forgotten_and_the_others_are_not(original, task_for):
    model = SelectiveSynapticDampening(**CHOSEN).unlearn(task_for(SelectiveSynapticDampening(**CHOSEN)))
    forget, retain = forget_and_retain_accuracy(model, original.splits.test, (3,))
    assert forget < 0.3
    assert retain > 0.7


def test_a_high_alpha_changes_nothing(original, task_for):
    unlearner = SelectiveSynapticDampening(alpha=1e9, dampening=1.0, batch_size=16)
    assert torch.equal(flat(unlearner.unlearn(task_for(unlearner))), flat(original.model))
    assert unlearner.report == {"dampened_share": 0.0}


@pytest.mark.parametrize(("setting", "value"), [("alpha", 0.0), ("dampening", -1.0), ("batch_size", 0)])
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        SelectiveSynapticDampening(**{**CHOSEN, setting: value})

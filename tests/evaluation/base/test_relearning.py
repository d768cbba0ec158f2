"""Relearn time against a plain loop of torch's own."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from unlearnleak.data import ForgetSplit
from unlearnleak.evaluation.base.relearning import accuracy, relearn_steps
from unlearnleak.machine.seeds import generator

HOW = {"lr": 0.002, "batch_size": 16, "most": 40}


@pytest.fixture
def forgotten(digits):
    return ForgetSplit.of(digits.train, (3,)).forget


@pytest.fixture
def wiped(original):
    """The original, whose head says of nothing that it is a 3."""
    model = copy.deepcopy(original.model).eval()
    with torch.no_grad():
        model.head.bias[3] = -20.0
    return model


def slow(model, data, level, lr, batch_size, most, seed):
    """The same, one line after the other, on the weights themselves."""
    model, draw, left = copy.deepcopy(model), generator(seed), []
    for step in range(most + 1):
        with torch.no_grad():
            right = sum(
                int(model(model.normalize(x[None])).argmax()) == int(y)
                for x, y in zip(data.images, data.labels, strict=True)
            )
        if right / len(data) >= level:
            return step
        left = left or torch.randperm(len(data), generator=draw).tolist()
        batch, left = left[:batch_size], left[batch_size:]
        model.zero_grad()
        cross_entropy(model(model.normalize(data.images[batch])), data.labels[batch]).backward()
        with torch.no_grad():
            for weight in model.parameters():
                weight.sub_(lr * weight.grad)
    return None


def test_the_steps_are_those_of_a_plain_loop(wiped, forgotten):
    found = relearn_steps(wiped, forgotten, 0.9, generator=generator(5), **HOW)
    assert found == slow(wiped, forgotten, 0.9, seed=5, **HOW)
    assert 0 < found < 40


def test_who_knows_it_needs_no_step_and_who_never_learns_has_no_number(original, wiped, forgotten):
    level = 0.95 * accuracy(original.model, forgotten)
    assert relearn_steps(original.model, forgotten, level, generator=generator(0), **HOW) == 0
    assert relearn_steps(wiped, forgotten, level, generator=generator(0), **(HOW | {"most": 1})) is None


def test_the_model_itself_stays_as_it_is(wiped, forgotten):
    before = copy.deepcopy(wiped.state_dict())
    relearn_steps(wiped, forgotten, 0.9, generator=generator(0), **HOW)
    assert all(torch.equal(value, before[name]) for name, value in wiped.state_dict().items())
    assert not wiped.training


def test_the_accuracy_is_that_of_the_samples(original, digits):
    from unlearnleak.training.predict import evaluate

    correct_K, total_K = evaluate(original.model, digits.test)
    assert accuracy(original.model, digits.test) == pytest.approx(sum(correct_K) / sum(total_K))

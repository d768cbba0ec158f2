"""What an unlearner is given, used as a method would."""

import copy
from dataclasses import replace

import pytest
import torch

from tests.trained import SEED, TRAINING, flat
from tests.training.test_checkpoint import Stop, Stopped, interrupt
from unlearnleak.machine.seeds import generator
from unlearnleak.training.checkpoint import Checkpoints
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.ft import FineTune
from unlearnleak.unlearner.rt import Retrain

PLAIN = {"epochs": 3, "lr": 0.03, "batch_size": 64}
HOW = Optimization(**PLAIN)


@pytest.fixture
def task(task_for):
    return task_for(FineTune(**PLAIN))


def test_one_training_is_the_one_that_fit_does(task, original, digits):
    expected, order = copy.deepcopy(original.model), generator(SEED, "unlearning", "batches")
    rows = fit(expected, digits.train.without([3]), HOW, test=digits.test, generator=order, label="by hand")
    assert task.fit(task.original, task.split.retain, HOW) == rows == task.curve
    assert torch.equal(flat(task.original), flat(expected))


def test_the_weights_to_start_from(task, task_for, fresh_lenet):
    assert task.start() is task.original
    scratch = task_for(Retrain())
    assert scratch.original is None
    assert torch.equal(flat(scratch.start()), flat(fresh_lenet()))


def test_it_trains_at_the_original_s_precision(task, monkeypatch):
    seen = []
    monkeypatch.setattr("unlearnleak.training.task.fit", lambda model, data, how, **more: seen.append(how) or [])
    short = replace(task, training=replace(TRAINING, precision="bf16"), curves=[])
    short.fit(short.start(), short.split.retain, HOW)
    assert seen == [replace(HOW, precision="bf16")]


def twice(task, stop=None):
    model = task.start()
    task.fit(model, task.split.retain, HOW)
    task.fit(model, task.split.retain, HOW, [stop] if stop else [])
    return flat(model), task.curve


def test_two_trainings_have_orders_of_their_own_and_go_on_where_the_second_was_killed(task_for, tmp_path, caplog):
    caplog.set_level("INFO")

    def fresh(**more):
        return replace(task_for(FineTune(**PLAIN)), curves=[], **more)

    def in_folder(part):
        return Checkpoints(folder=tmp_path / f"ab{part}", seconds=0.0, made_with={})

    asked = []
    weights, curve = twice(fresh(generator=lambda name: asked.append(name) or generator(SEED, "unlearning", name)))
    assert asked == ["batches", "batches-2"]
    assert [row["epoch"] for row in curve] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(Stopped):
        twice(fresh(checkpoints=in_folder), Stop(2, 1, interrupt))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ab", "ab-2"]
    caplog.clear()
    found, found_curve = twice(fresh(checkpoints=in_folder))
    assert torch.equal(found, weights)
    assert found_curve == curve
    assert caplog.text.count("goes on from epoch 2 of 3") == 2

"""What every unlearner is asked for, and methods that somebody might add."""

import pytest
import pytorch_lightning as pl
import torch
import yaml

from tests.trained import TRAINING, flat, forget_and_retain_accuracy
from tests.unlearner.test_conf import FILES, NAMES, target
from unlearnleak.data import ForgetSet, ForgetSplit, LabeledImages
from unlearnleak.data.forget import LEVELS
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import predict
from unlearnleak.unlearner.au import Amnesiac
from unlearnleak.unlearner.base import TrainingUnlearner, Unlearner
from unlearnleak.unlearner.ft import FineTune
from unlearnleak.unlearner.none import Nothing
from unlearnleak.unlearner.rl import RandomLabel
from unlearnleak.unlearner.rt import Retrain

PLAIN = {"epochs": 2, "lr": 0.03, "batch_size": 32}
REPAIR = {"repair_tolerance": 0.01, "share": 1.0, "rescale": False}


class Silence(Unlearner):
    """Takes the forgotten classes out of the head, without any training."""

    version = 1

    def unlearn(self, task):
        with torch.no_grad():
            task.original.head.weight[list(task.split.classes)] = 0
            task.original.head.bias[list(task.split.classes)] = -100
        self.report = {"rows": len(task.split.classes)}
        return task.original


def test_a_method_need_not_train(original, digits, unlearn):
    method = Silence()
    before = flat(original.model)
    model = unlearn(method, (3, 5))
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, (3, 5))
    assert forget_acc == 0
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, (3, 5))[1]
    assert method.report == {"rows": 2}
    assert torch.equal(flat(original.model), before)  # what it was given is a copy


def test_a_training_method_trains_once_at_the_original_s_precision(task_for, monkeypatch):
    task, seen = task_for(FineTune(**PLAIN)), []

    def spy(model, data, optimization, **more):
        seen.append((data, optimization, more["callbacks"], more["label"], more["checkpoints"]))
        return []

    monkeypatch.setattr("unlearnleak.training.task.fit", spy)
    method = FineTune(**PLAIN)
    object.__setattr__(task, "training", Optimization(**vars(TRAINING) | {"precision": "bf16"}))
    assert method.unlearn(task) is task.original
    ((data, how, callbacks, label, checkpoints),) = seen
    assert data is task.split.retain
    assert how == Optimization(**PLAIN, precision="bf16")
    assert callbacks == [method]
    assert (label, checkpoints) == ("unlearning", None)


def test_no_epochs_are_no_training_but_what_a_method_does_before_it(original, unlearn):
    assert torch.equal(flat(unlearn(FineTune(**PLAIN | {"epochs": 0}))), flat(original.model))
    subtracted = unlearn(Amnesiac(**PLAIN | {"epochs": 0}, **REPAIR))
    assert torch.equal(flat(subtracted), flat(original.model) - original.ledger[3])


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_each_says_what_it_needs_and_what_it_can(file):
    kind = target(file)[1]
    settings = yaml.safe_load(file.read_text())
    del settings["_target_"]
    method = kind(**settings)
    assert {recorder.name for recorder in method.recorders()} == kind.needs
    assert kind.levels <= LEVELS
    assert kind.levels
    assert kind.memory_keys | kind.location_keys <= set(settings)
    assert isinstance(method, pl.Callback) == isinstance(method, TrainingUnlearner)
    assert isinstance(method, TrainingUnlearner) == (method.optimization(Optimization(**PLAIN)) is not None)
    assert method.report == {}


def test_a_ledger_needs_plain_steps_in_full_precision():
    au, ft = Amnesiac(**PLAIN, **REPAIR), FineTune(**PLAIN)
    clipped, short = (Optimization(**PLAIN, **more) for more in ({"clip_norm": 1.0}, {"precision": "bf16"}))
    with pytest.raises(UserError, match=r"unlearner=au keeps a ledger .*clip_norm=1.0. Set training.clip_norm=null"):
        au.check_training(clipped)
    with pytest.raises(Incompatible, match=r"unlearner=au .*precision=bf16. Set training.precision=fp32"):
        au.check_training(short)
    au.check_training(Optimization(**PLAIN))
    for training in (clipped, short):
        ft.check_training(training)


def test_fewer_than_one_class_at_once_is_refused():
    with pytest.raises(UserError, match=r"unlearner\.ledger_classes=0 is not possible: at least 1, or null"):
        Amnesiac(**PLAIN, **REPAIR, ledger_classes=0)


def test_a_part_of_a_class_is_refused_where_only_whole_ones_can_be_forgotten():
    au, part = Amnesiac(**PLAIN, **REPAIR), ForgetSet(classes=(3, 5), share=0.5)
    with pytest.raises(Incompatible, match=r"au can forget whole classes only, and is to forget 0\.5 of classes 3, 5"):
        au.check_forget(part)
    au.check_forget(ForgetSet(classes=(3, 5)))
    for method in (Retrain(), FineTune(**PLAIN), RandomLabel(**PLAIN), Nothing()):
        method.check_forget(part)


# Samples


def accuracy(model, part):
    return (predict(model, part.images) == part.labels).float().mean().item()


@pytest.fixture(scope="module")
def odd(digits):
    """Twelve training images of class 3 that are unlike all others: nothing but having seen them tells their class."""
    rows = (digits.train.labels == 3).nonzero()[:12, 0]
    noise = torch.randint(256, (12, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = digits.train.images.clone()
    images[rows] = noise
    return LabeledImages(images, digits.train.labels, 10), rows


def of_samples(task_for, method, forget, data=None, start=None):
    task = task_for(method, forget=forget, start=start)
    if data is not None:
        object.__setattr__(task, "split", forget.split(data, torch.Generator().manual_seed(0)))
    return task


def test_rt_never_saw_the_forgotten_share_and_keeps_the_class(digits, task_for):
    forget = ForgetSet(classes=(3,), share=0.5)
    task = of_samples(task_for, Retrain(), forget)
    assert (task.split.level, task.split.classes) == ("sample", (3,))
    model = Retrain().unlearn(task)
    kept = task.split.retain.of([3])
    assert len(kept) + len(task.split.forget) == len(digits.train.of([3]))
    assert accuracy(model, kept) > 0.95
    held_out = accuracy(model, digits.test.of([3]))
    assert abs(accuracy(model, task.split.forget) - held_out) < 0.1  # as well as images that it never saw
    assert held_out > 0.85


def test_rows_that_were_learned_by_heart_are_as_unknown_to_rt_as_if_they_had_never_been(odd, task_for):
    data, rows = odd
    forget = ForgetSet(classes=(3,), rows=tuple(rows.tolist()))
    task = of_samples(task_for, Retrain(), forget, data)
    learned = task.fresh()
    how = Optimization(**vars(TRAINING) | {"epochs": 12})
    object.__setattr__(task, "training", how)
    task.fit(learned, data, how)
    assert accuracy(learned, task.split.forget) > 0.9
    assert torch.equal(task.split.forget.images, data.images[rows])
    task.curves.clear()
    model = Retrain().unlearn(task)
    assert accuracy(model, task.split.forget) < 0.5
    assert accuracy(model, task.split.retain.of([3])) > 0.95


def test_ft_drifts_away_from_rows_that_were_learned_by_heart(odd, task_for):
    data, rows = odd
    method = FineTune(epochs=8, lr=0.05, weight_decay=0.03, batch_size=32, schedule="cosine", clip_norm=1.0)
    forget = ForgetSet(classes=(3,), rows=tuple(rows.tolist()))
    learned = of_samples(task_for, Retrain(), forget, data)
    model = learned.fresh()
    learned.fit(model, data, Optimization(**vars(TRAINING) | {"epochs": 12}))
    before = accuracy(model, learned.split.forget)
    task = of_samples(task_for, method, forget, data, start=model)
    after = method.unlearn(task)
    assert accuracy(after, task.split.forget) < before - 0.3
    assert accuracy(after, task.split.retain.of([3])) > 0.95


def test_ft_is_trained_on_a_class_s_other_samples(digits, task_for):
    forget = ForgetSet(classes=(3,), share=0.5)
    method = FineTune(epochs=3, lr=0.05, weight_decay=0.03, batch_size=32)
    model = method.unlearn(of_samples(task_for, method, forget))
    assert accuracy(model, digits.test.of([3])) > 0.85


def test_rl_gives_samples_any_wrong_label(digits):
    split = ForgetSet(classes=(3, 5), share=0.5).split(digits.train, torch.Generator().manual_seed(0))
    data = RandomLabel(**PLAIN).training_set(split, torch.Generator().manual_seed(0))
    drawn = data.labels[: len(split.forget)]
    assert (drawn != split.forget.labels).all()
    assert set(drawn[split.forget.labels == 3].tolist()) == {0, 1, 2, 4, 5, 6, 7, 8, 9}
    whole = ForgetSplit.of(digits.train, (3, 5))
    labels = RandomLabel(**PLAIN).training_set(whole, torch.Generator().manual_seed(0)).labels[: len(whole.forget)]
    assert not torch.isin(labels, torch.tensor([3, 5])).any()

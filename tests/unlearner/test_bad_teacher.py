"""bad_teacher: its data and its loss by a loop, and whose answers the model has learnt."""

import pytest
import torch

from tests.plain import Adam, assert_same_way, copied, logits
from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.errors import UserError
from unlearnleak.unlearner.bad_teacher import BadTeacher

SETTINGS = {"retain_share": 0.3, "temperature": 2.0, "epochs": 10, "lr": 3e-4, "batch_size": 32}


@pytest.fixture
def prepared(task_for):
    def make(**more):
        method = BadTeacher(**SETTINGS)
        task = task_for(method, **more)
        data = method.training_set(task.split, task.generator("training set"))
        method.prepare(task)
        return method, task, data

    return make


def test_all_of_the_forget_set_and_a_part_of_the_rest_are_trained_on(prepared):
    _, task, data = prepared()
    forget, retain = task.split.forget, task.split.retain
    assert torch.equal(data.images[: len(forget)], forget.images)
    assert (data.labels[: len(forget)] == 13).all()
    assert len(data) == len(forget) + round(0.3 * len(retain))
    kept = data.labels[len(forget) :]
    assert kept.max() < 10
    assert len(kept.unique()) == 9
    pixels = data.images[len(forget) :].flatten(1).unique(dim=0)
    assert len(pixels) == len(kept)  # each once


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_loss_is_a_loop_over_samples(original, prepared, fresh_lenet, share):
    method, task, data = prepared(forget=ForgetSet(classes=(3, 5), share=share))
    competent, incompetent = original.model, fresh_lenet().eval()
    batch = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:64]
    images, labels = data.images[batch], data.labels[batch]
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(1))
    method.on_train_batch_start(None, None, (images, labels), 0)
    losses = []
    for image, place, row in zip(images, batch.tolist(), logits, strict=True):
        teacher = incompetent if place < len(task.split.forget) else competent
        with torch.no_grad():
            q = (teacher(teacher.normalize(image[None]))[0] / 2).exp()
        q, p = q / q.sum(), (row / 2).exp() / (row / 2).exp().sum()
        losses.append((q * (q / p).log()).sum())
    assert 5 < (batch < len(task.split.forget)).sum() < 60
    torch.testing.assert_close(method.criterion(logits, labels), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


def test_steps_are_those_of_a_plain_loop(original, task_for, fresh_lenet):
    method = BadTeacher(**SETTINGS | {"epochs": 3, "batch_size": 5000})
    task = task_for(method, (3, 5))
    found, slow = method.unlearn(task), copied(original.model)
    data, forgotten = method.training_set(task.split, task.generator("training set")), len(task.split.forget)
    with torch.no_grad():
        taught = torch.cat([logits(fresh_lenet().eval(), data)[:forgotten], logits(original.model, data)[forgotten:]])
    q, step = (taught / 2).softmax(1), Adam(slow, 3e-4)
    for _ in range(3):
        p = (logits(slow, data) / 2).softmax(1)
        step((q * (q / p).log()).sum(1).mean())
    assert_same_way(found, slow, original.model, share=0.005)


def test_it_answers_like_the_random_network_on_the_class_and_like_the_original_elsewhere(
    original, digits, task_for, fresh_lenet
):
    method = BadTeacher(**SETTINGS | {"temperature": 1.0})
    model = method.unlearn(task_for(method))
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, (3,))
    assert forget_acc < 0.5
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, (3,))[1] - 0.03
    images = model.normalize(digits.train.of([3]).images)
    with torch.no_grad():
        own, bad, good = (net.eval()(images).softmax(1) for net in (model, fresh_lenet(), original.model))
    assert (own - bad).abs().mean() < 0.3 * (good - bad).abs().mean()
    assert not torch.equal(flat(model), flat(original.model))


@pytest.mark.parametrize(("setting", "value"), [("retain_share", 0.0), ("retain_share", 1.5), ("temperature", 0.0)])
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        BadTeacher(**SETTINGS | {setting: value})

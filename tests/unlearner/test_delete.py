"""delete: its loss by a loop, and what images of a forgotten class are taken for afterwards."""

import pytest
import torch

from tests.plain import assert_same_way, copied, logits, sgd
from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.training.predict import predict
from unlearnleak.unlearner.delete import Delete

SETTINGS = {"epochs": 40, "lr": 3e-4, "batch_size": 32}


@pytest.mark.parametrize(
    ("forget", "banned"), [(ForgetSet(classes=(3, 5)), {3, 5}), (ForgetSet(classes=(3, 5), share=0.5), None)]
)
def test_the_loss_is_a_loop_over_samples(original, task_for, forget, banned):
    method = Delete(**SETTINGS)
    task = task_for(method, forget=forget)
    method.prepare(task)
    data = method.training_set(task.split, task.generator("training set"))
    assert torch.equal(data.images, task.split.forget.images)
    batch = data.images[:20], data.labels[:20]
    method.on_train_batch_start(None, None, batch, 0)
    logits = torch.randn(20, 10, generator=torch.Generator().manual_seed(0))
    losses = []
    for image, label, row in zip(*batch, logits, strict=True):
        with torch.no_grad():
            answer = original.model(original.model.normalize(image[None]))[0].exp()
        for c in banned or {int(label)}:
            answer[c] = 0
        q, p = answer / answer.sum(), row.exp() / row.exp().sum()
        losses.append(sum(q[k] * (q[k] / p[k]).log() for k in range(10) if q[k] > 0))
    torch.testing.assert_close(method.criterion(logits, batch[1]), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


def test_steps_are_those_of_a_plain_loop(original, task_for):
    method = Delete(epochs=3, lr=0.02, batch_size=5000, momentum=0.0)
    task = task_for(method, (3, 5))
    found, slow, forget = method.unlearn(task), copied(original.model), task.split.forget
    left = [c for c in range(10) if c not in (3, 5)]
    with torch.no_grad():
        q = logits(original.model, forget)[:, left].softmax(1)
    for _ in range(3):
        p = logits(slow, forget).softmax(1)[:, left]
        sgd(slow, (q * (q / p).log()).sum(1).mean(), 0.02)
    assert_same_way(found, slow, original.model)


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_images_go_where_the_original_sends_them_next_and_the_others_stay(original, digits, unlearn, classes):
    model = unlearn(Delete(**SETTINGS), classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    assert forget_acc <= 0.05
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, classes)[1] - 0.03
    images = digits.train.of(classes).images
    with torch.no_grad():
        answers = original.model(original.model.normalize(images))
    answers[:, list(classes)] = -torch.inf
    assert (predict(model, images) == answers.argmax(1)).float().mean() > 0.9


def test_samples_lose_their_class(original, task_for):
    method = Delete(**SETTINGS)
    task = task_for(method, forget=ForgetSet(classes=(3,), share=0.2))
    before = flat(original.model)
    model = method.unlearn(task)
    hits = predict(model, task.split.forget.images) == task.split.forget.labels
    assert hits.float().mean() < 0.2
    assert torch.equal(flat(original.model), before)

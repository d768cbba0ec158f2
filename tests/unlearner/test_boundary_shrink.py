"""boundary_shrink: pushed images and their labels by a loop, and what the model takes images for afterwards."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.plain import assert_same_way, copied, logits, sgd
from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSet
from unlearnleak.errors import UserError
from unlearnleak.training.predict import predict
from unlearnleak.unlearner.boundary_shrink import BoundaryShrink, nearest_labels, pushed

SETTINGS = {"step": 0.1, "epochs": 20, "lr": 5e-4, "batch_size": 32}


def slow_push(model, image, label, step):
    """One image, one backward()."""
    x = (image.float() / 255).clone().requires_grad_()
    cross_entropy(model(((x - model.mean) / model.std)[None]), label[None]).backward()
    return (x.detach() + step * x.grad.sign()).clamp(0, 1)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_labels_are_those_of_a_loop(original, task_for, share):
    model, forget = original.model, ForgetSet(classes=(3, 5), share=share)
    split = task_for(BoundaryShrink(**SETTINGS), forget=forget).split
    found, crossed = nearest_labels(model, split, 0.1)
    images, labels = split.forget.images, split.forget.labels
    slow = torch.stack([slow_push(model, *pair, 0.1) for pair in zip(images, labels, strict=True)])
    torch.testing.assert_close(pushed(model, images, labels, 0.1), slow)
    assert (slow - images / 255).abs().max() <= 0.1 + 1e-6
    with torch.no_grad():
        logits = model(model.normalize(slow))
    plain = logits.argmax(1)
    for row, label in zip(logits, labels.tolist(), strict=True):
        row[[3, 5] if share == 1 else [label]] = -torch.inf
    assert torch.equal(found, logits.argmax(1))
    assert crossed == pytest.approx((plain == found).float().mean().item())
    assert 0.05 < crossed < 0.95
    model.zero_grad()


def test_steps_are_those_of_a_plain_loop(original, task_for):
    method = BoundaryShrink(step=0.1, epochs=3, lr=0.02, batch_size=5000, momentum=0.0)
    task = task_for(method, (3, 5))
    found, slow, forget = method.unlearn(task), copied(original.model), task.split.forget
    pairs = zip(forget.images, forget.labels, strict=True)
    past = torch.stack([slow_push(copied(original.model), *pair, 0.1) for pair in pairs])
    with torch.no_grad():
        answers = original.model(original.model.normalize(past))
    answers[:, [3, 5]] = -torch.inf
    for _ in range(3):
        sgd(slow, cross_entropy(logits(slow, forget), answers.argmax(1)), 0.02)
    assert_same_way(found, slow, original.model)


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_images_go_to_the_nearest_class_and_the_others_stay(original, digits, unlearn, task_for, classes):
    method = BoundaryShrink(**SETTINGS)
    wanted, crossed = nearest_labels(original.model, task_for(method, classes).split, 0.1)
    model = unlearn(method, classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    assert forget_acc <= 0.1
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, classes)[1] - 0.04
    assert (predict(model, digits.train.of(classes).images) == wanted).float().mean() > 0.8
    assert method.report == {"crossed_share": crossed}


@pytest.mark.parametrize("step", [0.0, -0.1, 1.5])
def test_a_step_that_is_none_is_refused(step):
    with pytest.raises(UserError, match=rf"unlearner\.step={step} is not possible"):
        BoundaryShrink(**SETTINGS | {"step": step})

"""unsir: its noise against a plain loop, what each training sees, and what is left of the class."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from tests.jobs import pipeline_in
from tests.plain import Adam, assert_same_way, copied, logits
from tests.trained import forget_and_retain_accuracy
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.unlearner.unsir import Unsir, error_maximising

SETTINGS = {
    **{"noise_images": 32, "noise_repeats": 4, "noise_steps": 40, "noise_lr": 0.1, "noise_penalty": 0.1},
    **{"retain_per_class": None, "repair_epochs": 2, "repair_lr": 0.003, "epochs": 1, "lr": 0.01, "batch_size": 32},
}


def slow_noise(model, start, label, steps, lr, penalty):
    """Adam by hand."""
    low, high = -model.mean / model.std, (1 - model.mean) / model.std
    x, m, v = start.clamp(low, high), 0.0, 0.0
    for t in range(1, steps + 1):
        x = x.detach().requires_grad_()
        norms = torch.stack([(image**2).sum() for image in x])
        loss = penalty * norms.mean() - cross_entropy(model(x), torch.tensor([label] * len(x)))
        (g,) = torch.autograd.grad(loss, x)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        step = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        x = (x.detach() - lr * step).clamp(low, high)
    return x.detach()


def test_noise_is_that_of_a_plain_loop_and_the_loss_rises(original):
    model = copy.deepcopy(original.model).double()
    start = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = error_maximising(model, start, 3, steps=5, lr=0.1, penalty=0.01)
    torch.testing.assert_close(found, slow_noise(model, start, 3, 5, 0.1, 0.01), rtol=1e-4, atol=1e-4)
    labels = torch.full((4,), 3)
    before = cross_entropy(model(start.clamp(-model.mean / model.std, (1 - model.mean) / model.std)), labels)
    more = error_maximising(model, start, 3, steps=40, lr=0.1, penalty=0.01)
    assert cross_entropy(model(more), labels) > before + 5


def test_each_forgotten_class_has_its_noise_and_the_impairment_sees_no_forgotten_image(task_for, monkeypatch):
    method, seen = Unsir(**SETTINGS | {"retain_per_class": 20}), []
    task = task_for(method, (3, 5))
    monkeypatch.setattr(type(task), "fit", lambda self, model, data, how, callbacks: seen.append((data, how)))
    method.unlearn(task)
    (impair, first), (repair, second) = seen
    assert (first.epochs, first.lr, second.epochs, second.lr) == (1, 0.01, 2, 0.003)
    assert impair.class_counts().tolist() == [128 if c in (3, 5) else 20 for c in range(10)]
    assert repair.class_counts().tolist() == [0 if c in (3, 5) else 20 for c in range(10)]
    noise = impair.of([3]).images.flatten(1).float()
    assert len(noise.unique(dim=0)) == 32
    forgotten = task.split.forget.images.flatten(1).float()
    assert torch.cdist(noise, forgotten).min() > 500
    assert method.report["noise_loss"] > 10


def test_steps_are_those_of_a_plain_loop(original, task_for):
    few = {"noise_images": 5, "retain_per_class": 8, "repair_epochs": 2, "lr": 0.003, "repair_lr": 0.001}
    method = Unsir(**SETTINGS | few | {"epochs": 2, "batch_size": 5000})
    task = task_for(method, (3, 5))
    found, slow = method.unlearn(task), copied(original.model)
    noise, kept = method.noise(copied(original.model), task), method.kept(task)
    impair, repair = Adam(slow, 0.003), Adam(slow, 0.001)
    for _ in range(2):
        losses = cross_entropy(logits(slow, noise), noise.labels, reduction="none").repeat(4)
        others = cross_entropy(logits(slow, kept), kept.labels, reduction="none")
        impair(torch.cat([losses, others]).mean())
    assert (len(losses), len(others)) == (2 * 5 * 4, 8 * 8)
    for _ in range(2):
        repair(cross_entropy(logits(slow, kept), kept.labels))
    assert_same_way(found, slow, original.model)


@pytest.mark.parametrize("classes", [(3,), (1, 4, 8)])
def test_it_forgets_and_the_repair_brings_the_others_back(original, digits, unlearn, classes):
    model = unlearn(Unsir(**SETTINGS), classes)
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, classes)
    assert forget_acc <= 0.05
    assert retain_acc >= forget_and_retain_accuracy(original.model, digits.test, classes)[1] - 0.04


def test_parts_of_classes_are_refused_before_any_training(tmp_path):
    pipeline = pipeline_in(tmp_path, "unlearner=unsir", "attack=head_sum", "forget_share=0.5")
    with pytest.raises(Incompatible, match="unlearner=unsir can forget whole classes only"):
        pipeline.artifact("original")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *[(name, 0) for name in ("noise_images", "noise_repeats", "retain_per_class")],
        *[("noise_steps", -1), ("noise_penalty", -1.0), ("noise_lr", 0.0), ("repair_epochs", -1), ("repair_lr", 0.0)],
    ],
)
def test_impossible_values_are_named(setting, value):
    with pytest.raises(UserError, match=rf"unlearner\.{setting}={value} is not possible"):
        Unsir(**SETTINGS | {setting: value})

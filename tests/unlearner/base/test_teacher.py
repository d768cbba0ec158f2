"""Taught: who the teacher is, and the divergence from its answers."""

from types import SimpleNamespace

import torch
from scipy.stats import entropy

from tests.trained import flat
from unlearnleak.unlearner.base.teacher import Taught, divergence, frozen


class Pupil(Taught):
    version = 1


def test_the_divergence_is_the_mean_of_each_row_s():
    draw = torch.Generator().manual_seed(0)
    target, logits = torch.randn(5, 4, generator=draw).softmax(1), torch.randn(5, 4, generator=draw)
    by_row = [entropy(q, p) for q, p in zip(target.double(), logits.double().softmax(1), strict=True)]
    assert abs(divergence(target, logits).item() - sum(by_row) / 5) < 1e-6


def test_what_the_target_never_answers_costs_nothing():
    target, logits = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.0]])
    torch.testing.assert_close(divergence(target, logits), torch.tensor(2.0).log())


def test_the_teacher_stays_as_it_was_while_the_model_changes(original, task_for):
    method = Pupil(epochs=1, lr=0.1, batch_size=32)
    task = task_for(method)
    method.prepare(task)
    with torch.no_grad():
        for parameter in task.original.parameters():
            parameter.zero_()
    assert torch.equal(flat(method.teacher), flat(original.model))
    assert not any(parameter.requires_grad for parameter in method.teacher.parameters())
    images = task.split.forget.images[:5]
    method.on_train_batch_start(None, SimpleNamespace(), (images, task.split.forget.labels[:5]), 0)
    with torch.no_grad():
        torch.testing.assert_close(method.taught_BK, original.model(original.model.normalize(images)))


def test_a_frozen_copy_does_not_train(original):
    model = frozen(original.model.train())
    original.model.eval()
    assert not any(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in original.model.parameters())

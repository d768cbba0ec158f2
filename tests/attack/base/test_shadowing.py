"""Readings of classes against a slow loop, and how a target is set beside shadow models."""

import numpy as np
import pytest
import torch

from unlearnleak.adversary.view import Shadow, View
from unlearnleak.attack.base.shadowing import read_answers, read_head
from unlearnleak.attack.shadow_answers import ShadowAnswers


def test_readings_of_answers_agree_with_a_slow_loop():
    draw = torch.Generator().manual_seed(0)
    p_NK, labels_N = torch.randn(30, 4, generator=draw).softmax(1), torch.arange(30) % 4
    found = read_answers(p_NK, labels_N).numpy()
    for c in range(4):
        own = [row for row, label in zip(p_NK.numpy(), labels_N, strict=True) if label == c]
        others = [row for row, label in zip(p_NK.numpy(), labels_N, strict=True) if label != c]
        expected = [
            np.mean([np.log(row[c]) for row in own]),
            np.mean([row.argmax() == c for row in own]),
            np.mean([-sum(p * np.log(p) for p in row) for row in own]),
            np.log(np.mean([row[c] for row in others])),
        ]
        np.testing.assert_allclose(found[c], expected, rtol=1e-4)


def test_certain_answers_stay_finite():
    p_NK = torch.eye(3).repeat(4, 1)
    assert read_answers(p_NK, torch.arange(12) % 3).isfinite().all()
    assert read_head(torch.zeros(3, 5), torch.zeros(3)).isfinite().all()


def test_readings_of_a_head_by_hand():
    weight_KD = torch.tensor([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]])
    found = read_head(weight_KD, torch.tensor([1.0, 2.0, 5.0]))
    torch.testing.assert_close(found[:, 0], torch.tensor([5.0, 1.0, 1.0]).log())  # the median norm is 1
    assert found[:, 1].tolist() == [-1.0, 0.0, 3.0]
    torch.testing.assert_close(found[:, 2], torch.tensor([3.5, 0.5, 0.5]) / weight_KD.std())
    assert found[0, 3].item() == pytest.approx(7 / 5 / 2**0.5)  # (3, 4) and the direction of (1, 1)


def test_a_class_is_read_beside_the_shadow_models_that_know_it(monkeypatch):
    readings = {"target": torch.zeros(3, 1), "a": torch.tensor([[1.0], [2], [3]]), "b": torch.tensor([[9.0], [4], [5]])}
    monkeypatch.setattr(ShadowAnswers, "read", lambda self, model, auxiliary: readings[model])
    made = (Shadow("a", ()), Shadow("b", (0,)))
    found = ShadowAnswers(knows_defense=True)(View("target", None, "images", made, None), torch.Generator())
    usual = torch.tensor([1.0, 3.0, 4.0])  # class 0 is known to the first alone
    assert torch.equal(found.aligned_KMF[:, 0, 0], -usual)
    assert torch.equal(found.samples_KMF[:, 0, 0], torch.zeros(3))
    assert torch.equal(found.calibration.features_SKMF[1, :, 0, 0], torch.tensor([9.0, 4, 5]) - usual)
    assert found.calibration.forgotten_SK.tolist() == [[False] * 3, [True, False, False]]

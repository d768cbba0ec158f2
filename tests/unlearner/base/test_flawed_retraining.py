"""Retraining beside which another class is rare or mislabelled."""

import pytest
import torch

from tests.trained import forget_and_retain_accuracy
from unlearnleak.data import ForgetSplit
from unlearnleak.errors import UserError
from unlearnleak.unlearner.noisy_labels import NoisyLabels
from unlearnleak.unlearner.rare_class import RareClass
from unlearnleak.unlearner.rt_noisy_labels import RetrainNoisyLabels
from unlearnleak.unlearner.rt_rare_class import RetrainRareClass


def trained_on(method, digits, classes, seed=0):
    return method.training_set(ForgetSplit.of(digits.train, classes), torch.Generator().manual_seed(seed))


def test_one_retained_class_is_rare_and_the_forgotten_ones_are_gone(digits):
    method, before = RetrainRareClass(share=0.1), digits.train.class_counts()
    for seed in range(20):
        counts = trained_on(method, digits, (3, 5), seed).class_counts()
        spoilt = method.report["class"]
        assert spoilt not in (3, 5)
        assert counts[spoilt] == round(0.1 * before[spoilt].item())
        assert [c for c in range(10) if counts[c] != before[c]] == sorted([3, 5, spoilt])
        assert counts[[3, 5]].tolist() == [0, 0]


def test_no_wrong_label_brings_a_forgotten_class_back(digits):
    """Of 0.3 of the class's samples two ninths would bear the label of one of two forgotten classes."""
    method, before = RetrainNoisyLabels(share=0.3), digits.train.class_counts()
    left_out = 0
    for seed in range(20):
        counts = trained_on(method, digits, (3, 5), seed).class_counts()
        spoilt = method.report["class"]
        wrong = round(0.3 * before[spoilt].item())
        assert counts[[3, 5]].tolist() == [0, 0]
        assert counts[spoilt] == before[spoilt] - wrong
        left_out += wrong - sum((counts[c] - before[c]).item() for c in range(10) if c not in (3, 5, spoilt))
    assert 0.1 < left_out / (20 * wrong) < 0.35


@pytest.mark.parametrize(("kind", "control"), [(RetrainRareClass, RareClass), (RetrainNoisyLabels, NoisyLabels)])
def test_with_nothing_forgotten_it_is_the_control_of_that_name(digits, kind, control):
    found = trained_on(kind(share=0.3), digits, ())
    expected = control(share=0.3).flaw(digits.train, torch.Generator().manual_seed(0))
    assert torch.equal(found.labels, expected.labels)
    assert torch.equal(found.images, expected.images)


def test_the_forgotten_class_is_unknown_and_the_flawed_one_half_known(digits, unlearn):
    method = RetrainNoisyLabels(share=0.3)
    model = unlearn(method, (3,))
    forgotten, retained = forget_and_retain_accuracy(model, digits.test, (3,))
    assert forgotten == 0
    assert retained > 0.9
    assert forget_and_retain_accuracy(model, digits.test, (method.report["class"],))[0] > 0.6


@pytest.mark.parametrize("kind", [RetrainRareClass, RetrainNoisyLabels])
def test_other_shares_are_refused_with_what_is_allowed(kind):
    with pytest.raises(UserError, match=r"unlearner\.share=0 "):
        kind(share=0)

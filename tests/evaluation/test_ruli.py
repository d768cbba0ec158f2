"""ruli: both ratios against planted answers, a slow loop and scikit-learn's kernel densities."""

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.neighbors import KernelDensity

from tests.evaluation.answering import planted
from tests.evaluation.test_u_lira import confidences
from unlearnleak.errors import UserError
from unlearnleak.evaluation.ruli import Ruli
from unlearnleak.evaluation.u_lira import ULiRA


def ruli(shadows, density="kernel", variance="pooled", bandwidth=1.0):
    return Ruli(shadows=shadows, density=density, bandwidth=bandwidth, variance=variance)


def subject(P=3000, S=60, known=3.0, **how):
    """Beside the confidences after unlearning, those of the models before: `known` higher where a sample was learnt."""
    target_P, forgotten_P, after_SP, learnt_SP = confidences(P, S, **how)
    random = np.random.default_rng(9)
    before_SP = after_SP + known * learnt_SP + random.normal(size=(S, P)) * 0.5
    before_P = target_P + known * forgotten_P + random.normal(size=P) * 0.5
    return planted(target_P, forgotten_P, after_SP, learnt_SP, before_P, before_SP), (target_P, before_P, before_SP)


def test_with_gaussians_the_first_question_is_u_liras():
    made, _ = subject()
    found, alone = ruli(60, "normal")(made), ULiRA(shadows=60, variance="pooled")(made)
    assert {name: found.numbers[name] for name in alone.numbers} == dict(alone.numbers)


def test_what_looks_as_if_never_seen_is_not_told_from_it_and_a_mark_is():
    """The first target answers all as models do that never saw them, the second one 3 lower: only who compares it with
    the models before can tell.
    """
    random = np.random.default_rng(5)
    S, P = 40, 4000
    forgotten_P, learnt_SP = np.arange(P) < P // 2, random.random((S, P)) < 0.5
    areas = []
    for mark in (0.0, 3.0):
        before_SP = random.normal(size=(S, P)) + 4 * learnt_SP
        after_SP = random.normal(size=(S, P)) - mark
        target_P, before_P = random.normal(size=P) - mark, random.normal(size=P) + 4 * forgotten_P
        found = ruli(S)(planted(target_P, forgotten_P, after_SP, learnt_SP, before_P, before_SP)).numbers
        areas.append(found["efficacy_auc"])
        assert found["auc"] == pytest.approx(0.5, abs=0.03)
    assert areas[0] == pytest.approx(0.5, abs=0.03)
    assert areas[1] == pytest.approx(norm.cdf(3 / math.sqrt(2)), abs=0.02)


@pytest.mark.parametrize("density", ["kernel", "normal"])
def test_where_nothing_was_unlearned_both_questions_are_one(density):
    target_P, forgotten_P, after_SP, learnt_SP = confidences(S=12)
    made = planted(target_P, forgotten_P, after_SP, learnt_SP, target_P, after_SP)
    numbers = ruli(12, density)(made).numbers
    assert numbers["efficacy_auc"] == numbers["auc"]


def reference(density, values, at, bandwidth):
    """log density at one point: SciPy's Gaussian, scikit-learn's kernels."""
    if density == "normal":
        return norm.logpdf(at, np.mean(values), np.std(values, ddof=1))
    return KernelDensity(bandwidth=bandwidth).fit(values[:, None]).score_samples([[at]])[0]


@pytest.mark.parametrize(("density", "bandwidth"), [("kernel", 1.0), ("kernel", 0.3), ("normal", 1.0)])
def test_both_ratios_are_those_of_a_slow_loop(density, bandwidth):
    made, (target_P, before_P, before_SP) = subject(P=8, S=10)
    evaluation = ruli(10, density, "sample", bandwidth)
    readings, forgotten_P = evaluation.read(made), made.candidates.forgotten_P.numpy()
    privacy, efficacy = evaluation.unlearnt_ratio(readings), evaluation.efficacy_ratio(readings, forgotten_P)
    for p in range(8):
        learnt = readings.learnt_SP[:, p]
        gone, unseen, fresh = readings.after_SP[learnt, p], readings.after_SP[~learnt, p], before_SP[~learnt, p]
        answer = target_P[p] if forgotten_P[p] else before_P[p]
        for found, other, at in ((privacy, unseen, target_P[p]), (efficacy, fresh, answer)):
            expected = reference(density, gone, at, bandwidth) - reference(density, other, at, bandwidth)
            assert found[p] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert math.isfinite(evaluation(made).numbers["efficacy_auc"])


@pytest.mark.parametrize(("setting", "value"), [("density", "flat"), ("bandwidth", 0.0), ("bandwidth", float("inf"))])
def test_settings_that_cannot_be_are_refused(setting, value):
    with pytest.raises(UserError, match=rf"evaluation\.{setting}={value}"):
        ruli(8, **{setting: value})

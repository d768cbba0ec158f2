"""ruli: both ratios against planted answers and a slow loop."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from tests.evaluation.answering import planted
from tests.evaluation.test_u_lira import confidences
from unlearnleak.evaluation.ruli import Ruli
from unlearnleak.evaluation.u_lira import ULiRA


def subject(P=3000, S=60, known=3.0, **how):
    """Beside the confidences after unlearning, those of the models before: `known` higher where a sample was learnt."""
    target_P, forgotten_P, after_SP, learnt_SP = confidences(P, S, **how)
    random = np.random.default_rng(9)
    before_SP = after_SP + known * learnt_SP + random.normal(size=(S, P)) * 0.5
    before_P = target_P + known * forgotten_P + random.normal(size=P) * 0.5
    return planted(target_P, forgotten_P, after_SP, learnt_SP, before_P, before_SP), (target_P, before_P, before_SP)


def test_the_first_question_is_u_liras():
    made, _ = subject()
    found, alone = Ruli(shadows=60, variance="pooled")(made), ULiRA(shadows=60, variance="pooled")(made)
    assert {name: found.numbers[name] for name in alone.numbers} == dict(alone.numbers)


def test_the_second_one_tells_how_much_unlearning_changed():
    changed = Ruli(shadows=60, variance="pooled")(subject()[0]).numbers
    assert changed["efficacy_auc"] > 0.95
    little = Ruli(shadows=60, variance="pooled")(subject(known=0.5)[0]).numbers
    assert 0.5 < little["efficacy_auc"] < changed["efficacy_auc"]
    assert little["auc"] == changed["auc"]


def test_a_model_that_is_the_one_before_has_changed_nothing():
    target_P, forgotten_P, after_SP, learnt_SP = confidences(S=12)
    made = planted(target_P, forgotten_P, after_SP, learnt_SP, target_P, after_SP)
    assert Ruli(shadows=12, variance="pooled")(made).numbers["efficacy_auc"] == 0.5


def test_the_second_ratio_is_that_of_a_slow_loop():
    made, (target_P, before_P, before_SP) = subject(P=8, S=10)
    evaluation = Ruli(shadows=10, variance="sample")
    readings = evaluation.read(made)
    after, before = evaluation.known_ratio(readings)
    for p in range(8):
        own = [s for s in range(10) if readings.learnt_SP[s, p]]
        fits = [(np.mean(x[own, p]), np.std(x[own, p], ddof=1)) for x in (readings.after_SP, before_SP)]
        for found, value in ((after, target_P[p]), (before, before_P[p])):
            assert found[p] == pytest.approx(norm.logpdf(value, *fits[0]) - norm.logpdf(value, *fits[1]), rel=1e-5)
    assert math.isfinite(evaluation(made).numbers["efficacy_auc"])

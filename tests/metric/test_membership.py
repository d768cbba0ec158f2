"""Membership against closed forms, scikit-learn and slow loops."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import beta, norm
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import KernelDensity

from unlearnleak.metric.membership import at_rate, gaussians, kernels, membership_metrics, scaled_confidence


def draw(seed=0):
    return np.random.default_rng(seed)


def test_the_scaled_confidence_is_the_logit_less_the_others_log_sum_exp():
    logits_PK = torch.randn(50, 6, generator=torch.Generator().manual_seed(0)).double() * 8
    labels_P = torch.arange(50) % 6
    others_PK = logits_PK.masked_fill(torch.nn.functional.one_hot(labels_P, 6).bool(), -torch.inf)
    by_hand = logits_PK[range(50), labels_P] - others_PK.logsumexp(1)
    np.testing.assert_allclose(scaled_confidence(logits_PK.softmax(1), labels_P), by_hand, rtol=1e-9)
    p = 0.8
    assert scaled_confidence([[p, 1 - p]], [0])[0] == pytest.approx(math.log(p / (1 - p)))


def test_answers_of_0_and_1_are_finite_and_in_order():
    found = scaled_confidence([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]], [0, 0, 0])
    assert np.isfinite(found).all()
    assert found[0] > found[1] == 0 > found[2]


@pytest.mark.parametrize("variance", ["pooled", "sample"])
def test_gaussians_are_those_of_a_loop_over_samples_and_models(variance):
    x_SP, known_SP = draw().normal(size=(9, 5)), draw(1).random((9, 5)) < 0.6
    found = gaussians(x_SP, known_SP, variance)
    lists = [[x_SP[s, p] for s in range(9) if known_SP[s, p]] for p in range(5)]
    squares = [[(value - np.mean(of)) ** 2 for value in of] for of in lists]
    pooled = sum(map(sum, squares)) / sum(len(of) - 1 for of in lists)
    for p, of in enumerate(lists):
        assert found.mean_P[p] == pytest.approx(np.mean(of))
        assert found.variance_P[p] == pytest.approx(pooled if variance == "pooled" else np.var(of, ddof=1))
    x_P = draw(2).normal(size=5)
    by_scipy = norm.logpdf(x_P, found.mean_P, np.sqrt(found.variance_P))
    np.testing.assert_allclose(found.log_density(x_P), by_scipy)


@pytest.mark.parametrize("bandwidth", [1.0, 0.2])
def test_kernel_densities_are_scikit_learns_of_each_sample(bandwidth):
    random = np.random.default_rng(4)
    x_SP, x_P, known_SP = random.normal(size=(9, 5)) * 3, random.normal(size=5) * 3, random.random((9, 5)) < 0.6
    found = kernels(x_SP, known_SP, bandwidth).log_density(x_P)
    for p in range(5):
        fitted = KernelDensity(bandwidth=bandwidth).fit(x_SP[known_SP[:, p], p][:, None])
        assert found[p] == pytest.approx(fitted.score_samples([[x_P[p]]])[0], rel=1e-6)
    far = kernels(x_SP, known_SP, bandwidth).log_density(np.full(5, 1e4))
    assert np.isfinite(far).all()
    with pytest.raises(ValueError, match="no model"):
        kernels(x_SP, known_SP & (np.arange(5) != 2), bandwidth)


def test_models_that_answer_alike_are_not_certain_and_too_few_are_an_error():
    found = gaussians(np.ones((4, 3)), np.ones((4, 3), bool), "sample")
    assert np.isfinite(found.log_density(np.full(3, 2.0))).all()
    with pytest.raises(ValueError, match="too few"):
        gaussians(np.ones((2, 1)), [[True], [False]], "sample")
    with pytest.raises(ValueError, match="too few"):
        gaussians(np.ones((2, 1)), [[False], [False]], "pooled")


@pytest.mark.parametrize("distance", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("variance", ["pooled", "sample"])
def test_planted_gaussians_give_the_area_of_the_closed_form(distance, variance):
    """N(m, 1) of samples never seen and N(m + d, 1) of forgotten ones: the ratio's area is Phi(d / sqrt 2)."""
    random, P, S = draw(3), 6000, 200
    level_P, forgotten_P = random.normal(0, 5, P), np.arange(P) < P // 2
    learnt_SP = np.arange(S)[:, None] % 2 == random.integers(0, 2, P)
    x_SP = level_P + distance * learnt_SP + random.normal(size=(S, P))
    x_P = level_P + distance * forgotten_P + random.normal(size=P)
    ratio_P = gaussians(x_SP, learnt_SP, variance).log_density(x_P) - gaussians(x_SP, ~learnt_SP, variance).log_density(
        x_P
    )
    found = membership_metrics(ratio_P, forgotten_P)
    assert found["auc"] == pytest.approx(norm.cdf(distance / math.sqrt(2)), abs=0.02)
    assert found["auc_low"] < found["auc"] < found["auc_high"]
    expected = norm.sf(norm.isf(0.01) - distance)
    assert found["tpr_at_1_in_100"] == pytest.approx(expected, abs=0.05)
    alone = membership_metrics(x_P, forgotten_P)["auc"]  # one threshold for all sees next to nothing
    assert alone < 0.5 + (found["auc"] - 0.5) / 2 + 0.02


@pytest.mark.parametrize("n", [100, 137, 1000, 2345])
@pytest.mark.parametrize("ties", [False, True])
def test_areas_and_rates_are_scikit_learns(n, ties):
    random = draw(n)
    score, positive = random.normal(size=n + 300), np.arange(n + 300) < 300
    score[positive] += 1.2
    score = score.round(1) if ties else score
    found = membership_metrics(score, positive)
    assert found["auc"] == pytest.approx(roc_auc_score(positive, score))
    fpr, tpr, _ = roc_curve(positive, score, drop_intermediate=False)
    assert found["tpr_at_1_in_100"] == pytest.approx(tpr[fpr <= 0.01 + 1e-12].max())
    if n < 1000:
        assert found["tpr_at_1_in_1000"] is found["tpr_at_1_in_1000_low"] is None
    else:
        assert found["tpr_at_1_in_1000"] == pytest.approx(tpr[fpr <= 0.001 + 1e-12].max())


def test_what_too_few_others_cannot_resolve_is_not_said():
    found = membership_metrics([3.0, 2.0, 1.0], [True, True, False])
    assert found["auc"] == 1
    assert found["auc_low"] < 0.9
    assert found["tpr_at_1_in_100"] is None


def test_the_interval_of_a_rate_is_clopper_and_pearsons():
    found = at_rate(np.r_[np.ones(7), np.zeros(13)], np.zeros(200), 0.01)
    assert found[""] == 7 / 20
    assert (found["_low"], found["_high"]) == (
        pytest.approx(beta.ppf(0.025, 7, 14)),
        pytest.approx(beta.ppf(0.975, 8, 13)),
    )


def test_scores_that_are_all_alike_tell_nothing():
    found = membership_metrics(np.zeros(400), np.arange(400) < 200)
    assert (found["auc"], found["tpr_at_1_in_100"]) == (0.5, 0.0)

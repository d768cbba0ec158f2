"""Distances against closed forms, SciPy's own and slow loops."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, ortho_group

from unlearnleak.metric.divergence import jensen_shannon, linear_cka, shares, total_variation

DRAW = np.random.default_rng(0)


def answers(n=40, k=5):
    return DRAW.dirichlet(np.full(k, 0.3), n)


def test_equal_answers_have_no_divergence_and_disjoint_ones_log_2():
    p = answers()
    np.testing.assert_allclose(jensen_shannon(p, p), 0, atol=1e-15)
    assert jensen_shannon([[0.4, 0.6, 0, 0]], [[0, 0, 0.1, 0.9]])[0] == pytest.approx(math.log(2))
    assert jensen_shannon([[1.0, 0.0]], [[0.5, 0.5]])[0] == pytest.approx(
        (math.log(1 / 0.75) + 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)) / 2
    )


def test_the_divergence_is_the_square_of_scipys_distance_and_the_mean_of_two_entropies():
    p, q = answers(), answers()
    found = jensen_shannon(p, q)
    np.testing.assert_allclose(found, jensenshannon(p, q, axis=1) ** 2, rtol=1e-9)
    slow = [(entropy(a, (a + b) / 2) + entropy(b, (a + b) / 2)) / 2 for a, b in zip(p, q, strict=True)]
    np.testing.assert_allclose(found, slow, rtol=1e-9)
    np.testing.assert_allclose(found, jensen_shannon(q, p))


def test_answers_that_are_no_distributions_are_made_ones():
    np.testing.assert_allclose(jensen_shannon([[2.0, 6.0]], [[0.25, 0.75]]), 0, atol=1e-15)
    np.testing.assert_allclose(jensen_shannon([[0.0, 0.0]], [[0.5, 0.5]]), 0, atol=1e-15)


def test_shares_count_the_largest_answers():
    p = [[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.6, 0.4, 0.0], [0.0, 1.0, 0.0]]
    assert shares(p).tolist() == [0.5, 0.25, 0.25]


def test_total_variation_is_the_largest_difference_of_any_event():
    p, q = answers(1, 6)[0], answers(1, 6)[0]
    events = [[i for i in range(6) if number >> i & 1] for number in range(64)]
    assert total_variation(p, q) == pytest.approx(max(abs(p[event].sum() - q[event].sum()) for event in events))
    assert total_variation([1, 0, 0], [0, 0.5, 0.5]) == 1
    assert total_variation(p, p) == 0


@pytest.mark.parametrize(("n", "d"), [(50, 7), (9, 30)])
def test_features_that_are_turned_shifted_and_scaled_are_alike(n, d):
    x = DRAW.normal(size=(n, d))
    turned = 3.5 * x @ ortho_group.rvs(d, random_state=1) + DRAW.normal(size=d)
    assert linear_cka(x, turned) == pytest.approx(1)
    assert linear_cka(x, turned) != linear_cka(x, x**3)


@pytest.mark.parametrize(("n", "d", "e"), [(12, 3, 5), (6, 9, 4), (6, 9, 11)])
def test_the_alignment_is_that_of_centred_kernels(n, d, e):
    x, y = DRAW.normal(size=(n, d)), DRAW.normal(size=(n, e))
    h = np.eye(n) - 1 / n

    def hsic(a, b):
        return np.trace(a @ h @ b @ h) / (n - 1) ** 2

    k, m = x @ x.T, y @ y.T
    assert linear_cka(x, y) == pytest.approx(hsic(k, m) / math.sqrt(hsic(k, k) * hsic(m, m)))


def test_independent_features_are_not_alike_and_constant_ones_have_no_alignment():
    x, y = DRAW.normal(size=(20_000, 3)), DRAW.normal(size=(20_000, 3))
    assert linear_cka(x, y) < 0.001
    assert linear_cka(x, np.ones((20_000, 2))) is None

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from unlearnleak.metric.interval import bootstrap_mean, wilson


@settings(derandomize=True)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.99))
def test_wilson_is_the_closed_form(trials, level):
    successes, n = trials
    p, z = successes / n, norm.ppf((1 + level) / 2)
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    assert wilson(successes, n, level) == pytest.approx(expected, abs=1e-9)


def test_wilson_without_a_trial_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_bootstrap_of_many_normal_values_is_the_interval_of_the_normal_mean():
    values = np.random.default_rng(1).normal(0.7, 0.1, 400)
    half = norm.ppf(0.975) * values.std() / 20
    low, high = bootstrap_mean(values)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_bootstrap_repeats_under_one_seed_only_and_widens_with_the_level():
    values = np.random.default_rng(2).random(12)
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)
    narrow, wide = bootstrap_mean(values, level=0.5), bootstrap_mean(values, level=0.99)
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10), min_size=2, max_size=12))
def test_bootstrap_of_success_rates_is_finite_and_among_the_values(tenths):
    values = np.array(tenths) / 10
    low, high = bootstrap_mean(values)
    slack = 1e-12
    assert values.min() - slack <= low <= high <= values.max() + slack
    assert (low == high) == (len(set(tenths)) == 1)


def test_bootstrap_of_equal_values_is_that_value_and_of_one_value_nothing():
    assert bootstrap_mean([0.9, 0.9, 0.9]) == (0.9, 0.9)
    assert bootstrap_mean([0.9, 0.9, 0.9 + 1e-16]) == pytest.approx((0.9, 0.9))
    assert bootstrap_mean([0.9]) is None
    assert bootstrap_mean([]) is None

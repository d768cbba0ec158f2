import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from unlearnleak.metric.interval import (
    auroc_interval,
    bootstrap_mean,
    clustered,
    effective,
    newcombe,
    newcombe_paired,
    wilson,
)


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


def test_newcombes_interval_is_his_own_example():
    # Newcombe 1998, table II, method 10: 56/70 less 48/80, and 9/10 less 3/10, 10/10 less 0/10.
    for first, second, ends in (
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ):
        assert newcombe(second, first) == pytest.approx(ends, abs=5e-5)


def test_pairs_that_agree_make_the_interval_narrower_and_ones_that_do_not_leave_it():
    free = newcombe((20, 40), (30, 40))
    together, against = newcombe_paired(20, 0, 10, 10), newcombe_paired(10, 10, 20, 0)
    assert np.ptp(together) < np.ptp(free) < np.ptp(against)
    assert newcombe_paired(5, 0, 0, 0) == newcombe((5, 5), (5, 5))


def test_newcombes_paired_interval_is_his_own_example():
    # Newcombe 1998 (paired), table II, method 10: 36, 12, 2, 0 of 50.
    low, high = newcombe_paired(36, 2, 12, 0)
    assert (low, high) == pytest.approx((0.0569, 0.3404), abs=5e-5)


@pytest.mark.parametrize(("area", "n", "m"), [(0.9, 20, 5), (0.5, 3, 8), (0.02, 10, 10)])
def test_the_ends_of_an_area_are_as_far_as_their_own_deviation_says(area, n, m):
    for end in auroc_interval(area, n, m):
        spread = 1 + ((n + m) / 2 - 1) * ((1 - end) / (2 - end) + end / (1 + end))
        assert abs(area - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) * spread / (n * m)), abs=1e-6)


def test_a_whole_area_keeps_a_length_that_shrinks_with_the_models():
    few, many = auroc_interval(1.0, 2, 2), auroc_interval(1.0, 40, 40)
    assert few[1] == many[1] == 1.0
    assert few[0] < 0.5 < many[0] < 1.0
    assert auroc_interval(0.0, 2, 2) == pytest.approx((0.0, 1 - few[0]))


def test_the_area_is_in_its_interval_as_often_as_it_says():
    random, held = np.random.default_rng(3), 0
    for _ in range(300):
        ones, zeros = random.normal(1.2, 1, 12), random.normal(0, 1, 9)
        area = float(np.mean(ones[:, None] > zeros))
        low, high = auroc_interval(area, 12, 9)
        held += low <= norm.cdf(1.2 / np.sqrt(2)) <= high
    assert held >= 0.92 * 300


def test_trials_that_go_together_in_their_cluster_are_worth_one_each():
    hits, sizes = [5, 0, 5, 5, 0, 5, 0, 0, 5, 5], [5] * 10
    assert effective(hits, sizes) == pytest.approx(9, abs=0.1)  # k - 1, as every unbiased variance has it


def test_independent_trials_are_worth_about_their_number_and_never_more():
    draw = np.random.default_rng(0)
    found = [effective(draw.binomial(5, 0.7, 40), [5] * 40) for _ in range(300)]
    assert max(found) <= 200
    assert np.median(found) > 150


def test_without_any_difference_every_cluster_counts_once():
    assert effective([5] * 20, [5] * 20) == effective([0] * 20, [5] * 20) == 20
    assert clustered([5] * 20, [5] * 20) == pytest.approx(wilson(20, 20))
    assert clustered([], []) == (0.0, 1.0)


def test_a_miss_more_never_makes_a_share_surer():
    """Of 20 clusters of five: the ends fall with the hits, all the way from 100 of 100 to none."""
    ends = []
    for hits in range(100, -1, -1):
        of_each = [min(5, max(0, hits - 5 * number)) for number in range(20)]
        spread = [hits // 20 + (number < hits % 20) for number in range(20)]
        ends.append((clustered(of_each, [5] * 20), clustered(spread, [5] * 20)))
    for lows_or_highs in (0, 1):
        alone = [spread[lows_or_highs] for _, spread in ends]
        assert all(before >= after - 1e-9 for before, after in itertools.pairwise(alone))
    assert clustered([5] * 19 + [4], [5] * 20)[0] == pytest.approx(wilson(20, 20)[0])
    assert clustered([0] * 19 + [1], [5] * 20)[1] == pytest.approx(wilson(0, 20)[1])
    assert clustered([4] * 20, [5] * 20) == pytest.approx(wilson(80, 100))


def test_the_interval_holds_the_truth_where_clusters_differ():
    """Targets of shares drawn from a beta distribution, five models each: 95 % hold its mean; Wilson's own do not."""
    draw, ours, naive = np.random.default_rng(1), 0, 0
    for _ in range(400):
        hits = draw.binomial(5, draw.beta(3 / 8, 1 / 8, 30))
        low, high = clustered(hits, [5] * 30)
        ours += low <= 0.75 <= high
        low, high = wilson(int(hits.sum()), 150)
        naive += low <= 0.75 <= high
    assert ours > 0.92 * 400 > 1.05 * naive

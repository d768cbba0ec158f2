"""The cut that tells two groups apart best, against scikit-learn's curve."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from unlearnleak.adversary.cut import best_cut

VALUE = st.one_of(st.integers(-3, 3).map(float), st.floats(-100, 100, width=32))  # with ties, and without
LABELLED = st.lists(st.tuples(VALUE, st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({label for _, label in pairs}) == 2
)


def youden_index(threshold, values_N, forgotten_N):
    """J of the rule "forgotten if value <= threshold"."""
    said_N = values_N <= threshold
    return said_N[forgotten_N].mean() - said_N[~forgotten_N].mean()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(LABELLED)
def test_the_threshold_is_as_good_as_the_best_point_of_scikit_learns_curve(pairs):
    values_N, forgotten_N = np.array([v for v, _ in pairs]), np.array([f for _, f in pairs])
    false_positive, true_positive, _ = roc_curve(forgotten_N, -values_N, drop_intermediate=False)
    threshold, reached = best_cut(torch.tensor(values_N), torch.tensor(forgotten_N))
    best = (true_positive - false_positive).max()
    assert youden_index(threshold, values_N, forgotten_N) == pytest.approx(best, abs=1e-9)
    assert reached == pytest.approx(best, abs=1e-9)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(LABELLED, st.randoms(use_true_random=False))
def test_the_order_of_the_samples_plays_no_part(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    cuts = [
        best_cut(torch.tensor([v for v, _ in some]), torch.tensor([f for _, f in some])) for some in (pairs, shuffled)
    ]
    assert cuts[0] == cuts[1]


@pytest.mark.parametrize(
    ("values", "forgotten", "expected"),
    [
        ([0, 1, 5, 6], [1, 1, 0, 0], 3.0),  # the middle of the gap
        ([6, 0, 5, 1], [0, 1, 0, 1], 3.0),
        ([1, 1, 1, 2, 2], [1, 1, 1, 0, 0], 1.5),
        ([0, 1, 2, 3, 4, 5], [1, 0, 1, 0, 1, 0], 2.5),  # three cuts are equally good: the middle one
    ],
)
def test_thresholds_known_beforehand(values, forgotten, expected):
    assert best_cut(torch.tensor(values, dtype=torch.float32), torch.tensor(forgotten).bool())[0] == expected

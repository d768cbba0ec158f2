from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unlearnleak.data.split import channel_statistics, largest_remainder, rank_in_class

COUNTS = st.lists(st.integers(1, 200), min_size=2, max_size=12)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 2**31))
def test_ranks_number_each_class_from_zero(labels, seed):
    ranks = rank_in_class(torch.tensor(labels), 6, torch.Generator().manual_seed(seed))
    for c in set(labels):
        own = [rank for rank, label in zip(ranks.tolist(), labels, strict=True) if label == c]
        assert sorted(own) == list(range(len(own)))


def test_every_order_within_a_class_is_equally_likely():
    labels, generator = torch.tensor([0, 1, 0, 1, 0]), torch.Generator().manual_seed(0)
    draws = 6000
    seen = Counter(tuple(rank_in_class(labels, 2, generator)[::2].tolist()) for _ in range(draws))
    assert len(seen) == 6
    # Each count is binomial(6000, 1/6), deviation 29: 5 deviations, missed once in about 300,000 seeds.
    assert all(abs(count - draws / 6) < 145 for count in seen.values())


@settings(derandomize=True)
@given(COUNTS, st.data())
def test_largest_remainder_gives_each_class_its_share_to_within_one_and_all_places_away(counts, data):
    total = data.draw(st.integers(0, sum(counts)))
    places = largest_remainder(torch.tensor(counts), total).tolist()
    shares = [total * count / sum(counts) for count in counts]
    assert sum(places) == total
    assert all(abs(place - share) < 1 for place, share in zip(places, shares, strict=True))
    assert all(place <= count for place, count in zip(places, counts, strict=True))


@settings(derandomize=True)
@given(COUNTS, st.data())
def test_largest_remainder_is_the_nearest_whole_division(counts, data):
    total = data.draw(st.integers(1, sum(counts)))
    places = largest_remainder(torch.tensor(counts), total).tolist()
    shares = [total * count / sum(counts) for count in counts]
    giver, taker = data.draw(st.permutations(range(len(counts))))[:2]
    assume(places[giver] > 0)
    moved = list(places)
    moved[giver], moved[taker] = moved[giver] - 1, moved[taker] + 1

    def distance(division):
        return sum((place - share) ** 2 for place, share in zip(division, shares, strict=True))

    assert distance(places) <= distance(moved) + 1e-9


def test_largest_remainder_breaks_ties_towards_the_lower_class():
    assert largest_remainder(torch.tensor([10, 10, 10, 10]), 6).tolist() == [2, 2, 1, 1]


def test_statistics_are_those_of_the_pixels_as_fractions():
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 9, 8), np.uint8) // np.array([[[[1]], [[2]], [[5]]]])
    mean, std = channel_statistics(torch.from_numpy(images.astype(np.uint8)))
    assert mean == pytest.approx((images / 255).mean((0, 2, 3)))
    assert std == pytest.approx((images / 255).std((0, 2, 3)))

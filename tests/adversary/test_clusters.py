import itertools

import numpy as np
import pytest

from unlearnleak.adversary.clusters import two_means


def test_in_the_plane_the_groups_are_the_best_of_all():
    values = np.random.default_rng(3).normal(size=(8, 3))
    found = two_means(values)

    def cost(mask):
        return sum(((part - part.mean(0)) ** 2).sum() for part in (values[mask], values[~mask]))

    masks = (np.array(bits) for bits in itertools.product([False, True], repeat=8) if 0 < sum(bits) < 8)
    assert cost(found) == pytest.approx(min(map(cost, masks)))


def test_samples_that_are_all_the_same_are_not_split():
    assert not two_means(np.ones((4, 3))).any()
    assert not two_means(np.ones((1, 2))).any()

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from unlearnleak.data import forget_classes
from unlearnleak.errors import UserError

K = 10


@settings(derandomize=True)
@given(st.sets(st.integers(0, K - 1), min_size=1, max_size=K - 1), st.randoms())
def test_a_list_is_sorted_and_draws_nothing(classes, random):
    shuffled = list(classes)
    random.shuffle(shuffled)
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert forget_classes(shuffled, K, generator) == tuple(sorted(classes))
    assert torch.equal(generator.get_state(), before)


def test_a_list_from_a_config_file_will_do(generator):
    assert forget_classes(OmegaConf.create([7, 0, 4]), K, generator) == (0, 4, 7)


@settings(derandomize=True)
@given(st.integers(2, 40).flatmap(lambda k: st.tuples(st.just(k), st.integers(1, k - 1))), st.integers(0, 2**31))
def test_a_draw_gives_that_many_different_classes_and_the_same_ones_again(sizes, seed):
    num_classes, count = sizes
    drawn = [forget_classes(f"draw:{count}", num_classes, torch.Generator().manual_seed(seed)) for _ in range(2)]
    assert drawn[0] == drawn[1] == tuple(sorted(set(drawn[0])))
    assert len(drawn[0]) == count
    assert set(drawn[0]) <= set(range(num_classes))


def test_every_class_is_drawn_equally_often(generator):
    seen = Counter(c for _ in range(4000) for c in forget_classes("draw:3", K, generator))
    # Each count is binomial(4000, 0.3), deviation 29: 5 deviations, missed once in about 170,000 seeds.
    assert set(seen) == set(range(K))
    assert all(abs(count - 1200) < 145 for count in seen.values())


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ([], "nothing would be forgotten"),
        ([3, 3], "named twice"),
        ([10], "no class 10"),
        ([-1], "no class -1"),
        (list(range(K)), "nothing would be retained"),
        ([1.0], "1.0 is not a whole number"),
        (["1"], "'1' is not a whole number"),
        ([True], "True is not a whole number"),
        ([None], "None is not a whole number"),
        (3, "neither a list nor a draw"),
        (None, "neither a list nor a draw"),
        ({"draw": 3}, "neither a list nor a draw"),
        ("3", "neither a list nor a draw"),
        ("draw:", "neither a list nor a draw"),
        ("draw:-1", "neither a list nor a draw"),
        ("draw:3 ", "neither a list nor a draw"),
        ("draw:0", "0 classes cannot be drawn"),
        ("draw:10", "10 classes cannot be drawn"),
    ],
)
def test_a_wrong_choice_is_refused_with_its_value_what_is_allowed_and_an_example(spec, why, generator):
    with pytest.raises(UserError) as refused:
        forget_classes(spec, K, generator)
    message = str(refused.value)
    assert repr(spec) in message
    assert why in message
    assert "0..9" in message
    assert "such as [0]" in message
    assert "such as draw:1" in message

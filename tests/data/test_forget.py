from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from unlearnleak.data import ForgetSet, ForgetSplit, LabeledImages, forget_classes
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


# Sets: whole classes, shares and rows


def numbered(counts, seed=0):
    """Images of one pixel, which tells the row; so many of each class, in mixed order."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=draw(seed))]
    return LabeledImages(torch.arange(len(labels), dtype=torch.uint8)[:, None, None, None], labels, len(counts))


def draw(seed):
    return torch.Generator().manual_seed(seed)


def rows(part):
    return part.images.flatten().tolist()


DATA = numbered([40, 10, 25, 3])


def test_whole_classes_are_what_they_always_were():
    forget, generator = ForgetSet(classes=(2, 0)), draw(0)
    before = generator.get_state()
    found, expected = forget.split(DATA, generator), ForgetSplit.of(DATA, (0, 2))
    assert rows(found.forget) == rows(expected.forget)
    assert rows(found.retain) == rows(expected.retain)
    assert (found.classes, found.level, forget.level) == ((0, 2), "class", "class")
    assert torch.equal(generator.get_state(), before)
    assert forget.describe(7) == (0, 2)  # what keys have always held


def test_the_control_forgets_nothing_whatever_is_said():
    for control in (ForgetSet(classes=()), ForgetSet(classes=(), share=0.5), ForgetSet(classes=(), rows=(1, 2))):
        split = control.split(DATA, draw(0))
        assert (len(split.forget), len(split.retain), split.level) == (0, len(DATA), "class")
        assert control.describe(7) == ()


@settings(derandomize=True, max_examples=50)
@given(st.floats(0.06, 0.9), st.integers(0, 2**31), st.sets(st.integers(0, 2), min_size=1))
def test_a_share_is_drawn_within_each_class_and_the_rest_stays(share, seed, classes):
    split = ForgetSet(classes=tuple(classes), share=share).split(DATA, draw(seed))
    assert split.level == "sample"
    assert split.classes == tuple(sorted(classes))
    assert rows(split.forget) == sorted(rows(split.forget))
    assert sorted(rows(split.forget) + rows(split.retain)) == list(range(len(DATA)))
    for c in range(4):
        there = int((DATA.labels == c).sum())
        assert abs(len(split.forget.of([c])) - share * there * (c in classes)) <= 0.5
    assert torch.equal(split.forget.labels, DATA.labels[rows(split.forget)])


@settings(derandomize=True, max_examples=50)
@given(st.floats(0.06, 1), st.floats(0.06, 1), st.integers(0, 2**31))
def test_a_larger_share_holds_the_smaller_one_and_a_class_does_not_depend_on_others(one, other, seed):
    small, large = (
        set(rows(ForgetSet(classes=(0, 1), share=share).split(DATA, draw(seed)).forget))
        for share in sorted((one, other))
    )
    assert small <= large
    alone = set(rows(ForgetSet(classes=(0,), share=min(one, other)).split(DATA, draw(seed)).forget))
    assert min(one, other) == 1 or alone == {row for row in small if DATA.labels[row] == 0}


def test_every_sample_of_a_class_is_drawn_equally_often():
    forget = ForgetSet(classes=(1,), share=0.3)
    seen = Counter(row for seed in range(2000) for row in rows(forget.split(DATA, draw(seed)).forget))
    # Each count is binomial(2000, 0.3), deviation 20.5: 5 deviations.
    assert len(seen) == 10
    assert all(abs(count - 600) < 103 for count in seen.values())


def test_rows_are_taken_as_they_are_named():
    mine = (DATA.labels == 2).nonzero()[[4, 1, 9], 0].tolist()
    forget, generator = ForgetSet(classes=(2,), rows=tuple(mine)), draw(0)
    before = generator.get_state()
    split = forget.split(DATA, generator)
    assert rows(split.forget) == sorted(mine)
    assert rows(split.retain) == [row for row in range(len(DATA)) if row not in mine]
    assert (split.level, split.classes) == ("sample", (2,))
    assert torch.equal(generator.get_state(), before)


def test_a_key_knows_what_decides_the_rows():
    part = ForgetSet(classes=(5, 3), share=0.5)
    assert part == ForgetSet(classes=(3, 5), share=0.5)
    assert part.describe(7) == {"classes": (3, 5), "share": 0.5, "seed": 7, "version": 1}
    named = ForgetSet(classes=(3,), rows=(9, 2))
    assert named == ForgetSet(classes=(3,), rows=(2, 9))
    assert named.describe(7) == named.describe(8) == {"classes": (3,), "rows": (2, 9)}
    assert str(part) == "0.5 of classes 3, 5"
    assert str(named) == "2 samples of class 3"
    assert str(ForgetSet(classes=(3,))) == "all of class 3"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"share": 0.0}, r"share=0\.0 is not possible: above 0 and at most 1"),
        ({"share": 1.5}, r"share=1\.5 is not possible"),
        ({"share": float("nan")}, r"share=nan is not possible"),
        ({"share": 0.5, "rows": (1,)}, r"share=0\.5 is not possible: forget_rows names rows already"),
        ({"rows": ()}, r"rows=\[\] is not possible: nothing would be forgotten"),
        ({"rows": (4, 1, 4)}, "rows holds 4 more than once"),
        (
            {"rows": (*range(70, 85), -1)},
            "images -1, 78, 79, 80, 81 and 3 more: rows are numbers from 0 to 77",
        ),
        (
            {"rows": tuple((DATA.labels == 1).nonzero()[:2, 0].tolist())},
            r"=\[0\]: 6 is of class 1",
        ),
        (
            {"classes": (0, 3), "share": 0.1},
            "No sample of class 3 .* which has 3 training images: raise",
        ),
        ({"classes": (0, 3), "rows": ((DATA.labels == 0).nonzero()[0].item(),)}, "No sample of class 3.*name a row"),
        ({"classes": (0, 1, 2, 3), "share": 0.99}, "Every training image would be forgotten"),
    ],
)
def test_what_cannot_be_forgotten_is_refused_with_what_can(given, why):
    with pytest.raises(UserError, match=why):
        ForgetSet(**{"classes": (0,)} | given).split(DATA, draw(0))


def test_how_many_samples_are_forgotten_is_known_without_an_image():
    counts = [10, 15, 20]
    assert ForgetSet(classes=(0, 2)).count(counts) == 30
    assert ForgetSet(classes=(1,), share=0.5).count(counts) == 8
    assert ForgetSet(classes=(1,), rows=(3, 9)).count(counts) == 2
    assert ForgetSet(classes=(), share=0.5).count(counts) == ForgetSet(classes=(), rows=(3,)).count(counts) == 0

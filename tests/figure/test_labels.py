"""Words beside marks lie over no other word and over no mark."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Annotation

from unlearnleak.figure.labels import Word, write_beside


@pytest.fixture
def axis():
    figure, made = plt.subplots(figsize=(4, 3))
    made.set(xlim=(0, 100), ylim=(0, 100))
    yield made
    plt.close(figure)


def boxes(axis):
    figure = axis.get_figure()
    figure.canvas.draw()
    texts = [child for child in axis.get_children() if isinstance(child, Annotation)]
    return {text.get_text(): Annotation.get_window_extent(text) for text in texts}


def clustered(number):
    draw = np.random.default_rng(number)
    return [Word(*draw.uniform(45, 60, 2), f"{value:.2f}") for value in draw.uniform(0, 9, number)]


@pytest.mark.parametrize("words", [[Word(50, 50, "a"), Word(50, 50, "b")], clustered(5), clustered(8)], ids=len)
def test_no_two_words_overlap_and_none_covers_a_mark(axis, words):
    assert write_beside(axis, words) == []
    found = boxes(axis)
    assert len(found) == len(words)
    for one, other in itertools.combinations(found.values(), 2):
        assert not one.overlaps(other)
    for word, own in itertools.product(words, found.values()):
        x, y = axis.transData.transform((word.x, word.y))
        assert not own.contains(x, y)


def test_one_word_stands_above_and_right_of_its_mark(axis):
    write_beside(axis, [Word(50, 50, "0.5")])
    (own,) = boxes(axis).values()
    x, y = axis.transData.transform((50, 50))
    assert 0 < own.x0 - x < 12
    assert 0 < own.y0 - y < 12


def test_where_there_is_no_room_a_word_is_left_out_and_named(axis):
    words = [Word(50, 50, f"a long word {number}") for number in range(60)]
    left = write_beside(axis, words)
    assert 0 < len(left) < 60
    assert len(boxes(axis)) == 60 - len(left)

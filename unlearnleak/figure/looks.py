"""Colours and markers by which words are told apart in a figure, whatever words there are."""

from collections.abc import Iterable

from unlearnleak.analysis.names import place
from unlearnleak.figure.chart import BLUE, GOLD, PURPLE, TEAL
from unlearnleak.runs.strengths import by_numbers

Look = tuple[str, str]
"""A colour, and a marker of matplotlib's."""
MARKERS = "osD^vPX*<>"
COLOURS = (BLUE, TEAL, PURPLE, GOLD)
"""Forty looks in all; orange marks what failed."""


def looks(words: Iterable[str], known: tuple[str, ...]) -> dict[str, Look]:
    """A look for each word, in order: a known word's never changes, the others have those that are left, by name.

    "ft + weight_noise" is no known word where "ft" is one, and stands behind it.
    """
    found = sorted(set(words), key=lambda word: (*place(word.partition(" ")[0], known), by_numbers(word)))
    others = [word for word in found if word not in known]
    numbers = {word: known.index(word) if word in known else len(known) + others.index(word) for word in found}
    return {word: look(number) for word, number in numbers.items()}


def look(number: int) -> Look:
    """The look of a number: first all markers in one colour, then in the next."""
    return COLOURS[number // len(MARKERS) % len(COLOURS)], MARKERS[number % len(MARKERS)]

"""Short words beside marks, none over another: each takes the first free place around its own."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 7.0
"""Of the letters, in points; one is about 0.6 of it wide."""
WIDE, HIGH, MARK = 0.6 * SIZE, 1.15 * SIZE, 3.5
"""Points: of a letter's width, a line's height, and half of a mark."""
GAP = 4.0
AROUND = ((1, 1), (1, -1), (-1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))
"""Directions in which a word may stand from its mark."""
FURTHER = (1.0, 2.2, 3.4)


class Word(NamedTuple):
    """A text, and where its mark is in the data's numbers."""

    x: float
    y: float
    text: str


class Box(NamedTuple):
    """Left, right, bottom and top in points."""

    left: float
    right: float
    bottom: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Whether two boxes have a part in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top


def write_beside(axis: "Axes", words: list[Word]) -> list[Word]:
    """Write each word beside its mark, once the axis's limits are set; returns those for which there was no room."""
    figure = axis.get_figure()
    assert figure is not None
    scale = 72 / figure.dpi
    places = [tuple(scale * axis.transData.transform((word.x, word.y))) for word in words]
    taken = [Box(x - MARK, x + MARK, y - MARK, y + MARK) for x, y in places]
    left_out = []
    for word, (x, y) in zip(words, places, strict=True):
        found = next((each for each in offsets(word.text) if not hits(each, x, y, word.text, taken)), None)
        if found is None:
            left_out.append(word)
            continue
        taken.append(box(found, x, y, word.text))
        axis.annotate(word.text, (word.x, word.y), found, textcoords="offset points", fontsize=SIZE)
    return left_out


def offsets(text: str) -> list[tuple[float, float]]:
    """Where a text's lower left corner may be, in points from its mark, the nearest first."""
    wide = WIDE * len(text)
    return [
        (
            {1: GAP * far, 0: -wide / 2, -1: -GAP * far - wide}[across],
            {1: GAP * far, 0: -HIGH / 2, -1: -GAP * far - HIGH}[up],
        )
        for far in FURTHER
        for across, up in AROUND
    ]


def box(offset: tuple[float, float], x: float, y: float, text: str) -> Box:
    """What a text takes up at an offset from (x, y)."""
    left, bottom = x + offset[0], y + offset[1]
    return Box(left, left + WIDE * len(text), bottom, bottom + HIGH)


def hits(offset: tuple[float, float], x: float, y: float, text: str, taken: list[Box]) -> bool:
    """Whether a text there would lie over something."""
    own = box(offset, x, y, text)
    return any(own.meets(other) for other in taken)

"""What a figure is before it is drawn, and how all of them look.

A figure is a few small panels, since a small panel can be read on a phone as well as in a column of a paper. The same
panels become inline SVG in the page (`svg`) and one PDF and PNG for papers (`export`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#1c2128", "#57606a", "#d5dae1"
BLUE, ORANGE, TEAL, PURPLE, GOLD, GREY = "#0a5ea8", "#c2500c", "#0b7a6b", "#8046b0", "#8f6a00", "#6e7781"
COLOURS = (BLUE, ORANGE, TEAL, PURPLE, GOLD, GREY)
"""Told apart by people with any kind of colour blindness where only the first two stand side by side; where more do,
markers and line styles differ too. 4.5:1 or better on white."""
FORGOTTEN, RETAINED = ORANGE, BLUE

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": INK,
    "axes.titley": 1.02,  # fixed: finding a place above the ticks takes time, and there are none
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "text.parse_math": False,  # a data set's name with dollar signs in it stays text
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
PANEL_INCHES = (4.1, 2.75)
LETTER = 0.075
"""Inches of a letter of a tick's label."""


@dataclass(frozen=True)
class Mark:
    """One entry of a figure's key. `shape` is a matplotlib marker, or "bar", "line", "dashes", "dots"."""

    label: str
    colour: str
    shape: str = "bar"
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """One set of axes. `text` says in words what it shows: the text alternative, with the numbers that matter.

    size: width and height in inches. margins: inches left of and below the axes, for their labels.
    """

    title: str
    text: str
    draw: "Callable[[Axes], None]"
    size: tuple[float, float] = PANEL_INCHES
    margins: tuple[float, float] = (0.52, 0.5)


@dataclass(frozen=True)
class Chart:
    """A figure, the data it is drawn from, and why it is missing where `panels` is empty.

    stem: the files' name. paper: the number of the paper's figure that it follows, or "".
    """

    stem: str
    title: str
    caption: str
    paper: str = ""
    panels: list[Panel] = field(default_factory=list)
    key: tuple[Mark, ...] = ()
    data: "pd.DataFrame | None" = None
    missing: str = ""


def frame(rows: "Sequence[dict[str, Any]]") -> "pd.DataFrame":
    """A table of rows."""
    import pandas as pd  # noqa: PLC0415  (half a second)

    return pd.DataFrame(rows)


def wide_enough(ticks: list[str]) -> tuple[float, float]:
    """A panel's size in inches with room for a column of this label each: the usual one as long as that has it."""
    longest = max((len(line) for tick in ticks for line in tick.split("\n")), default=0)
    across = 0.62 + len(ticks) * max(0.5, 0.15 + LETTER * longest)
    return max(PANEL_INCHES[0], across), PANEL_INCHES[1]


def percent_axis(axis: Any, label: str) -> None:
    """0 to 100 on the y axis, with room for a mark at 100."""
    axis.set_ylim(0, 106)
    axis.set_yticks([0, 25, 50, 75, 100])
    axis.set_ylabel(label)
    axis.grid(axis="y")
    axis.spines["left"].set_visible(False)

"""Where the forgotten classes' images go: the shares of the predictions, class by class, beside retraining's."""

from typing import TYPE_CHECKING

import numpy as np

from unlearnleak.analysis.destinations import PARTS, RETRAINED, SHARES, parts, told
from unlearnleak.analysis.evaluated import Measured
from unlearnleak.figure.bars import classes, tick
from unlearnleak.figure.chart import (
    BLUE,
    GOLD,
    GRID,
    ORANGE,
    TEAL,
    Chart,
    Mark,
    Panel,
    frame,
    percent_axis,
    wide_enough,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEM, TITLE = "where_images_go", "Where the forgotten classes' images go"
CAPTION = (
    "Shares of the predictions on test images of the forgotten classes, mean over models. Classes are in the order of "
    "what two models retrained for the same set say most often, which stand at the left; at the right the model before."
)
COLOURS = (ORANGE, BLUE, TEAL, GOLD, GRID)
"""Of a bar's PARTS, from below."""
KEY = tuple(Mark(name, colour) for name, colour in zip(PARTS, COLOURS, strict=True))


def destination_chart(found: list[Measured]) -> Chart | None:
    """A panel per data set and number of classes; None where no distance was measured."""
    found = [one for one in found if one.evaluation == "distance" and one.classes != "0" and told(one)]
    if not found:
        return None
    panels, rows = [], []
    for dataset, count in dict.fromkeys((one.dataset, one.classes) for one in found):
        lines = [one for one in found if (one.dataset, one.classes) == (dataset, count)]
        bars = {
            "retrained": parts(lines, RETRAINED),
            **{one.unlearner: parts([one]) for one in lines},
            "original": parts(lines, f"original_{SHARES}"),
        }
        bars = {name: of for name, of in bars.items() if len(of)}
        panels.append(panel(f"{dataset}, {classes(count)}", bars))
        rows += [
            {"dataset": dataset, "classes": count, "model": name, "part": part, "share": share, "n": len(of)}
            for name, of in bars.items()
            for part, share in zip(PARTS, of.mean(0).tolist(), strict=True)
        ]
    return Chart(STEM, TITLE, CAPTION, panels=panels, key=KEY, data=frame(rows))


def panel(title: str, bars: dict[str, np.ndarray]) -> Panel:
    """A bar for each unlearner, between the retrained models and the original."""

    def draw(axis: "Axes") -> None:
        below = np.zeros(len(bars))
        for number, colour in enumerate(COLOURS):
            share = 100 * np.array([of[:, number].mean() for of in bars.values()])
            axis.bar(range(len(bars)), share, 0.72, bottom=below, color=colour, lw=0)
            below += share
        axis.set_xticks(range(len(bars)), [tick(name) for name in bars])
        axis.set_xlim(-0.5, max(len(bars), 4) - 0.5)
        percent_axis(axis, "% of the images")
        axis.set_title(title)

    said = "; ".join(f"{name} (n {len(of)}): {spoken(of)}" for name, of in bars.items())
    height = max(tick(name).count("\n") for name in bars)
    size = wide_enough([tick(name) for name in bars])
    return Panel(title, f"{said}.", draw, size=size, margins=(0.62, 0.5 + 0.14 * height))


def spoken(of: np.ndarray) -> str:
    """The parts of a bar in words."""
    return ", ".join(f"{100 * share:.0f} % {part}" for part, share in zip(PARTS, of.mean(0), strict=True))

"""Where a panel stands on its page or sheet: in inches, fixed by its size and margins.

Fitting places to the text instead draws everything once more, and gives up where marks reach over the edge of their
axes.
"""

from typing import TYPE_CHECKING

from unlearnleak.figure.chart import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP, RIGHT = 0.28, 0.08
"""Inches above a panel's axes, for its title, and right of them."""


def place_panel(figure: "Figure", panel: Panel, *, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw a panel into the box of `size` whose lower left corner is at `corner`, both in inches."""
    across, tall = figure.get_size_inches()
    (x, y), (left, bottom) = corner, panel.margins
    width, height = size[0] - left - RIGHT, size[1] - bottom - TOP
    axis = figure.add_axes(((x + left) / across, (y + bottom) / tall, width / across, height / tall))
    panel.draw(axis)
    axis.xaxis.set_label_coords((x + left + width / 2) / across, (y + 0.05) / tall, figure.transFigure)
    axis.yaxis.set_label_coords((x + 0.08) / across, (y + bottom + height / 2) / tall, figure.transFigure)
    axis.xaxis.label.set_verticalalignment("bottom")
    axis.yaxis.label.set_verticalalignment("top")

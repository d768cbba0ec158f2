"""Files for papers: every table as CSV, Markdown and LaTeX, every figure as PDF and PNG with the data behind it."""

import io
from dataclasses import replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

from unlearnleak.figure.chart import PANEL_INCHES, STYLE, Chart, Mark
from unlearnleak.figure.placing import place_panel
from unlearnleak.runs.spreadsheet import csv_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
"""Panels side by side in a paper's figure."""
DPI = 200
LABEL = 58
"""Letters of the key's text that fit under one panel."""
PAPER_STYLE = {"axes.titleweight": "normal"}
"""Differs from the page's: every weight is one more font to embed, which takes longer than drawing."""


def chart_files(chart: Chart) -> dict[str, bytes]:
    """STEM.pdf, .png and .csv by name; none for a chart that could not be drawn."""
    if not chart.panels:
        return {}
    from matplotlib import rc_context  # noqa: PLC0415  (slow to import)

    pdf, png = io.BytesIO(), io.BytesIO()
    style: Any = STYLE | PAPER_STYLE
    with rc_context(style):
        figure = paper_figure(chart)
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
        figure.savefig(png, format="png", dpi=DPI, facecolor="white")
    files = {f"{chart.stem}.pdf": pdf.getvalue(), f"{chart.stem}.png": png.getvalue()}
    return files | ({} if chart.data is None else {f"{chart.stem}.csv": csv_text(chart.data).encode()})


def paper_figure(chart: Chart) -> "Figure":
    """All panels of a chart, and its key below them."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    width, height = (max(panel.size[side] for panel in chart.panels) for side in (0, 1))
    columns = min(COLUMNS, len(chart.panels)) if width <= PANEL_INCHES[0] else 1
    rows = -(-len(chart.panels) // columns)
    figure = Figure(figsize=(width * columns, height * rows))
    tall = height * rows + key_below(figure, chart.key)
    figure.set_size_inches(width * columns, tall)
    for place, panel in enumerate(chart.panels):
        corner = (width * (place % columns), tall - height * (1 + place // columns))
        place_panel(figure, panel, corner=corner, size=(width, height))
    return figure


def key_below(figure: "Figure", key: tuple[Mark, ...]) -> float:
    """Put the key at the figure's lower edge, in as many columns as fit; the inches that it takes."""
    for columns in range(min(3, len(key)), 0, -1):
        wrapped = [mark if columns > 1 else replace(mark, label=fill(mark.label, LABEL)) for mark in key]
        legend = figure.legend(
            handles=[handle(mark) for mark in wrapped], loc="lower center", ncols=columns, fontsize=8, borderaxespad=0
        )
        extent = legend.get_window_extent()
        if extent.width <= figure.bbox.width or columns == 1:
            return float(extent.height / figure.dpi) + 0.06
        legend.remove()
    return 0.0


def handle(mark: Mark) -> Any:
    """What stands before a mark's label in the key."""
    from matplotlib.lines import Line2D  # noqa: PLC0415  (slow to import)
    from matplotlib.patches import Patch  # noqa: PLC0415

    if mark.shape == "bar":
        return Patch(color=mark.colour, label=mark.label, alpha=0.85)
    if mark.shape in ("line", "dashes"):
        return Line2D([], [], color=mark.colour, ls="--" if mark.shape == "dashes" else "-", label=mark.label)
    face = "none" if mark.hollow else mark.colour
    return Line2D([], [], ls="", marker=mark.shape, mfc=face, mec=mark.colour, label=mark.label)

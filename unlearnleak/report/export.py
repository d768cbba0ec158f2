"""Files for papers: every table as CSV, Markdown and LaTeX, every figure as PDF and PNG with the data behind it."""

import io
import re
from dataclasses import dataclass, replace
from textwrap import fill
from typing import TYPE_CHECKING, Any

from unlearnleak.machine.printable import printable
from unlearnleak.report import markdown_text
from unlearnleak.report.chart import PANEL_INCHES, STYLE, Chart, Mark, frame
from unlearnleak.report.placing import place_panel
from unlearnleak.report.table import markdown_lines
from unlearnleak.runs import spreadsheet

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.figure import Figure

COLUMNS = 3
"""Panels side by side in a paper's figure."""
DPI = 200
LABEL = 58
"""Letters of the key's text that fit under one panel."""
PAPER_STYLE = {"axes.titleweight": "normal"}
"""Differs from the page's: every weight is one more font to embed, which takes longer than drawing."""


@dataclass(frozen=True)
class Table:
    """A table for papers. `shown` is for people, `data` the numbers behind it, in full precision, for programs."""

    stem: str
    caption: str
    shown: "pd.DataFrame"
    data: "pd.DataFrame"


def table_files(table: Table) -> dict[str, bytes]:
    """STEM.csv, .md and .tex by name (the last needs the LaTeX packages booktabs and longtable)."""
    return {
        f"{table.stem}.csv": csv_text(table.data).encode(),
        f"{table.stem}.md": f"{markdown(table)}\n".encode(),
        f"{table.stem}.tex": latex(table).encode(),
    }


def csv_text(data: "pd.DataFrame") -> str:
    """A table for programs, and for spreadsheets, which compute nothing of what they are given."""
    text: str = data.map(spreadsheet.cell).rename(columns=spreadsheet.cell).to_csv(index=False, lineterminator="\n")
    return text


def markdown(table: Table) -> str:
    """The table in Markdown, its caption above it."""
    header, *body = [[str(value) for value in line] for line in lines(table.shown)]
    return f"{markdown_text.cell(table.caption)}\n\n{markdown_lines(header, body)}"


def lines(shown: "pd.DataFrame") -> list[list[Any]]:
    """The header and the rows."""
    return [list(shown.columns), *shown.astype(object).values.tolist()]


LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}  # other signs in LaTeX's own font
LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}
UNKNOWN = re.compile("[^ -~À-ÏÑ-Ýß-ïñ-ýÿ]")
"""What LaTeX knows no letter for until it is told of more fonts."""


def latex(table: Table) -> str:
    """The table in LaTeX, with booktabs' rules; it may be longer than a page."""
    header, *body = [[latex_text(str(value)) for value in line] for line in lines(table.shown)]
    guard = ("[", "*")  # after the end of the row above these would be read as its options
    rows = "\n".join("{}" * line[0].startswith(guard) + " & ".join(line) + r" \\" for line in body)
    return "\n".join(
        [
            r"% \usepackage{booktabs,longtable}",
            rf"\begin{{longtable}}{{{'l' * len(header)}}}",
            rf"\caption{{{latex_text(table.caption)}}} \label{{tab:{table.stem}}} \\",
            r"\toprule",
            " & ".join(header) + r" \\",
            r"\midrule",
            r"\endhead",
            rows,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Text on one line in which nothing is a command; a letter that LaTeX may not know is named by its number."""
    line = printable(" ".join(text.split()))
    known = UNKNOWN.sub(lambda found: f"[U+{ord(found.group()):04X}]", line)
    return "".join(LATEX.get(character, character) for character in known)


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
    return files | ({f"{chart.stem}.csv": csv_text(frame(chart.data)).encode()} if chart.data else {})


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

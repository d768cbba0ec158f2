"""ASR as bars for each attack and screening (the paper's Figures 6 to 8 and 12 to 15), and over the number of
forgotten classes (Figure 16).
"""

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from unlearnleak.analysis.matrix import Cell, Matrix
from unlearnleak.figure.chart import BLUE, GREY, INK, ORANGE, Chart, Mark, Panel, frame, percent_axis, wide_enough
from unlearnleak.figure.file_names import file_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAPER = {
    ("param_dot", "youden"): "6",
    ("param_dot", "kmeans"): "7",
    ("param_diff", "decision_tree"): "8",
    ("inversion_gradient", "threshold"): "12",
    ("inversion_gradient", "entropy"): "13",
    ("inversion_genetic", "threshold"): "14",
    ("inversion_genetic", "entropy"): "15",
}
KEY = (
    Mark("ASR, blind (mean over runs, 95 % interval from 5 runs on)", BLUE),
    Mark("control: nothing was forgotten", GREY),
    Mark("constant answer “nothing was forgotten”", INK, "line"),
    Mark("as published", ORANGE, "D", hollow=True),
)
CAPTION = "ASR: classes judged rightly, in %. n under each bar counts runs."
DIGEST = re.compile("[0-9a-f]{8}")
LONG = 10
"""Letters of a name that stand in one line below a bar."""
Line = tuple[str, str]


def asr_charts(matrices: list[Matrix]) -> list[Chart]:
    """A chart per attack and screening; a panel per data set and number of forgotten classes."""
    columns = list(dict.fromkeys(column for matrix in matrices for column in matrix.columns))
    names = file_names(columns)
    return [asr_chart(column, matrices, names[column]) for column in columns]


def asr_chart(column: tuple[str, str], matrices: list[Matrix], name: str) -> Chart:
    """The bars of one attack and screening, whose words in a file's name are `name`."""
    attack, screening = column
    panels, rows = [], []
    for matrix in matrices:
        by_count: dict[str, list[tuple[Line, Cell]]] = defaultdict(list)
        for line in matrix.lines:
            if (line, column) in matrix.cells:
                by_count[line[1]].append((line, matrix.cells[line, column]))
        controls = by_count.pop("0", [])
        for count, cells in (by_count or {"0": []}).items():
            panels.append(bar_panel(f"{matrix.dataset}, {classes(count)}", [*cells, *controls]))
            rows += [row(matrix.dataset, column, line, one) for line, one in cells]
        rows += [row(matrix.dataset, column, line, one) for line, one in controls]
    number = PAPER.get(column, "")
    return Chart(
        stem=f"fig{number}_asr_{name}" if number else f"asr_{name}",
        title=f"{attack} / {screening}",
        caption=CAPTION,
        paper=number,
        panels=panels,
        key=KEY,
        data=frame(rows),
    )


def classes(count: str) -> str:
    """How many classes were forgotten, in words."""
    return "control" if count == "0" else f"{count} class{'' if count == '1' else 'es'} forgotten"


def row(dataset: str, column: tuple[str, str], line: Line, one: Cell) -> dict[str, Any]:
    """A cell as a row of the data behind the figure; rates in [0, 1]."""
    low, high = one.asr_interval or (None, None)
    words = {
        "dataset": dataset,
        "attack": column[0],
        "screening": column[1],
        "unlearner": line[0],
        "forgotten": line[1],
    }
    numbers = {"n": one.n, "asr": one.asr, "asr_low": low, "asr_high": high, "asr_constant": one.constant}
    return words | numbers | {"asr_published": one.published, "n_published": one.n_published, "exact": one.hits}


def bar_panel(title: str, cells: list[tuple[Line, Cell]]) -> Panel:
    """A bar per unlearner, the constant answer as a tick across it, the published figure as a diamond."""

    def draw(axis: "Axes") -> None:
        x = np.arange(len(cells))
        colours = [GREY if line[1] == "0" else BLUE for line, _ in cells]
        axis.bar(x, [100 * one.asr for _, one in cells], width=0.56, color=colours, alpha=0.85)
        axis.hlines([100 * one.constant for _, one in cells], x - 0.36, x + 0.36, colors=INK, lw=1.6)
        sure = [(place, *one.asr_interval) for place, (_, one) in enumerate(cells) if one.asr_interval]
        places, lows, highs = np.array(sure).reshape(-1, 3).T
        axis.vlines(places, 100 * lows, 100 * highs, colors=INK, lw=1.1)
        told = [(place, one.published) for place, (_, one) in enumerate(cells) if one.published is not None]
        points = [place + 0.4 for place, _ in told], [100 * value for _, value in told]
        axis.plot(*points, "D", mfc="none", mec=ORANGE, mew=1.3, ms=5)
        axis.set_xticks(range(len(cells)), [f"{tick(line[0])}\nn {one.n}" for line, one in cells])
        axis.set_xlim(-0.5, max(len(cells), 4) - 0.4)
        percent_axis(axis, "ASR in %")
        axis.set_title(title)

    text = "; ".join(
        f"{line[0]}: ASR {100 * one.asr:.1f} %, constant answer {100 * one.constant:.1f} %, n {one.n}"
        for line, one in cells
    )
    lines = max(line[0].count(" ") for line, _ in cells) if cells else 0
    ticks = [tick(line[0]) for line, _ in cells]
    return Panel(title, text, draw, size=wide_enough(ticks), margins=(0.52, 0.5 + 0.14 * lines))


def tick(unlearner: str) -> str:
    """An unlearner below its bar, a long name in lines; of a digest that tells settings apart, what fits."""
    label, _, digest = unlearner.rpartition(" ")
    told = [*label.split(), digest[:5]] if DIGEST.fullmatch(digest) and label else unlearner.split(" ")
    return "\n".join(word if len(word) <= LONG else word.replace("_", "_\n") for word in told)

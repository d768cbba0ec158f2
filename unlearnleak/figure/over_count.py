"""ASR over the number of forgotten classes (the paper's Figure 16)."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.matrix import Cell, Matrix
from unlearnleak.figure.bars import Line, row
from unlearnleak.figure.chart import COLOURS, GREY, Chart, Mark, Panel, frame, percent_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"
DASHES = ("-", "--", ":", "-.")


def count_chart(matrices: list[Matrix]) -> Chart:
    """ASR over the number of forgotten classes: a panel per data set and unlearner that has more than one number."""
    base = Chart(
        stem="fig16_asr_over_forgotten",
        title="ASR over the number of forgotten classes",
        caption="Means over runs; bars are 95 % bootstrap intervals, drawn from 5 runs on. The grey line is the "
        "constant answer “nothing was forgotten”.",
        paper="16",
    )
    panels, rows = [], []
    columns = list(dict.fromkeys(column for matrix in matrices for column in matrix.columns))
    look = {column: number for number, column in enumerate(columns)}
    for matrix in matrices:
        for unlearner in dict.fromkeys(line[0] for line in matrix.lines if line[1] != "0"):
            lines = [line for line in matrix.lines if line[0] == unlearner]
            if len(lines) > 1:
                cells = {key: one for key, one in matrix.cells.items() if key[0] in lines}
                panels.append(count_panel(f"{matrix.dataset}, {unlearner}", cells, look))
                rows += [row(matrix.dataset, column, line, one) for (line, column), one in cells.items()]
    if not panels:
        why = "Every unlearner forgot the same number of classes in all of these runs. "
        return replace(base, missing=why + "To draw it, sweep over forget_classes=draw:1,draw:2,draw:4 or the like.")
    key = tuple(
        Mark(" / ".join(column), COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for column, i in look.items()
    )
    return replace(base, panels=panels, key=(*key, Mark("constant answer", GREY, "dashes")), data=frame(rows))


def count_panel(title: str, cells: dict[tuple[Line, tuple[str, str]], Cell], look: dict[tuple[str, str], int]) -> Panel:
    """A line per attack and screening."""
    series: dict[tuple[str, str], list[tuple[int, Cell]]] = defaultdict(list)
    for ((_, count), column), one in sorted(cells.items(), key=lambda pair: int(pair[0][0][1])):
        series[column].append((int(count), one))

    def draw(axis: "Axes") -> None:
        constants = sorted({(count, 100 * one.constant) for points in series.values() for count, one in points})
        axis.plot(*zip(*constants, strict=True), color=GREY, lw=1.4, ls=(0, (4, 2)))
        for column, points in series.items():
            draw_series(axis, points, look[column], shift=0.04 * (look[column] - len(look) / 2))
        axis.set_xticks(sorted({count for points in series.values() for count, _ in points}))
        axis.set_xlabel("classes forgotten")
        percent_axis(axis, "ASR in %")
        axis.set_title(title)

    text = "; ".join(
        f"{' / '.join(column)}: " + ", ".join(f"{100 * one.asr:.1f} % at {count} (n {one.n})" for count, one in points)
        for column, points in series.items()
    )
    return Panel(title, text, draw)


def draw_series(axis: "Axes", points: list[tuple[int, Cell]], number: int, shift: float) -> None:
    """One line with its intervals, moved a little to the side so that none hides another."""
    colour = COLOURS[number % len(COLOURS)]
    look: dict[str, Any] = {"marker": MARKERS[number % len(MARKERS)], "ls": DASHES[number % len(DASHES)]}
    axis.plot([count + shift for count, _ in points], [100 * one.asr for _, one in points], color=colour, **look)
    for count, one in points:
        if one.asr_interval:
            low, high = one.asr_interval
            axis.plot([count + shift] * 2, [100 * low, 100 * high], color=colour, lw=1)

"""The split of variances for the terminal, for documents and for programs."""

import csv
from collections import Counter
from itertools import groupby
from typing import TextIO

from unlearnleak.analysis.variance import Components, Split
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.terminal import Column, Sheet
from unlearnleak.runs import spreadsheet

HEAD = ("classes", "orig.", "n", "mean", "between", "rest", "share", "95 %", "s.e.", "alone", "gate")
LEGEND = (
    "In percent. classes: the unlearner and how many classes were forgotten. orig., n: original models and targets (an "
    "original model's seed and the forgotten classes). between, rest: standard deviation between original models, and "
    "between the targets of one. share: of the variance that is between originals, with its 95 % F interval; few "
    "originals make it wide. s.e.: standard error of the mean with both; alone: as if all targets were independent. "
    "< 0: the estimate between originals is negative and taken as 0, as happens by chance, or where the same classes "
    "are forgotten in each."
)


def percent(value: float | None, digits: int = 2) -> str:
    """A rate in percent; a dash where there is none."""
    return "-" if value is None else f"{100 * value:.{digits}f}"


def deviation(variance: float | None) -> str:
    """A variance as a standard deviation in percent."""
    if variance is None:
        return "-"
    return "< 0" if variance < 0 else percent(variance**0.5)


def cells(one: Split) -> list[str]:
    """A line's cells."""
    found: Components = one.found
    ends = "" if found.interval is None else f"[{percent(found.interval[0], 0)}, {percent(found.interval[1], 0)}]"
    return [
        f"{one.unlearner} {one.settings} {one.forgotten}".replace("  ", " "),
        *(str(found.originals), str(found.n), percent(found.mean), deviation(found.between), deviation(found.within)),
        *(percent(found.share, 0), ends, percent(found.error), percent(found.error_alone)),
        "control" if not one.forgotten else f"{one.runs - one.failed}/{one.runs}",
    ]


def reasons(splits: list[Split]) -> list[str]:
    """Why numbers are missing, each reason once, with how many lines it holds for."""
    counts = Counter(one.found.why for one in splits if one.found.why)
    return [f"{count} of {len(splits)} lines: {why}." for why, count in counts.items()]


def title(one: Split) -> str:
    """What a table is of."""
    return f"{one.metric}, {one.dataset}" + (f": {one.attack} / {one.screening}" if one.attack else "")


def sheets(splits: list[Split]) -> list[Sheet]:
    """A table per metric, data set, attack and screening."""
    columns = [Column(HEAD[0], words=True, left=True), *map(Column, HEAD[1:])]
    return [
        Sheet(title=name, columns=columns, rows=map(cells, members), gap=1) for name, members in groupby(splits, title)
    ]


def markdown(splits: list[Split]) -> str:
    """One table; empty where there is no line."""
    if not splits:
        return ""
    rows = [[one.metric, one.dataset, f"{one.attack} / {one.screening}".strip(" /"), *cells(one)] for one in splits]
    return markdown_lines(["metric", "data set", "attack / screening", *HEAD], rows)


def to_csv(splits: list[Split], file: TextIO) -> None:
    """A row per line, rates and variances as they are, unrounded; `why` says what is missing."""
    writer = csv.writer(file, lineterminator="\n")
    words, numbers = Split._fields[:-1], [name for name in Components._fields if name != "interval"]
    writer.writerow([*words, *numbers, "share_low", "share_high"])
    for one in splits:
        ends = one.found.interval or (None, None)
        writer.writerow([*map(spreadsheet.cell, one[:-1]), *(getattr(one.found, name) for name in numbers), *ends])

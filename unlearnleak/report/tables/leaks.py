"""The table at the end of a sweep: what leaked, by unlearner, attack and screening."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from unlearnleak.analysis.groups import FEW, Run, group
from unlearnleak.analysis.groups import rank as by_method
from unlearnleak.metric.interval import wilson
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.report.tables.terminal import Column, Sheet


def mean(runs: list[Run], key: str) -> str:
    """Mean of a rate in percent over the runs where it is defined; a dash where it is nowhere."""
    values = [run[key] for run in runs if run.get(key) is not None]
    return f"{100 * np.mean(values):.1f}" if values else "-"


def exact(runs: list[Run]) -> str:
    """How many verdicts named the forgotten set itself, of how many, with the 95 % Wilson interval of that share."""
    hits, count = sum(bool(run["exact_match"]) for run in runs), len(runs)
    if count < FEW:
        return f"{hits}/{count}"
    low, high = wilson(hits, count)
    return f"{hits}/{count} [{100 * low:.0f}, {100 * high:.0f}]"


def gates(runs: list[Run]) -> str:
    """How many models passed the gate, of how many; "control" where nothing was to be forgotten."""
    if all(run["gate"] == "control" for run in runs):
        return "control"
    return f"{sum(run['gate'] == 'passed' for run in runs)}/{len(runs)}"


COLUMNS: dict[str, Callable[[list[Run]], str]] = {
    "ASR": lambda runs: mean(runs, "asr"),
    "const": lambda runs: mean(runs, "asr_constant"),
    "publ.": lambda runs: mean(runs, "asr_published"),
    "exact": exact,
    "rank": lambda runs: mean(runs, "forgotten_ranked_first"),
    "forget": lambda runs: mean(runs, "forget_acc"),
    "retain": lambda runs: mean(runs, "retain_acc"),
    "gate": gates,
}
PIVOTS = COLUMNS | {"placebo": lambda runs: mean(runs, "asr_published_placebo")}
"""What can be shown as a matrix."""
WIDTHS = (5, 5, 5, 16, 5, 6, 6, 7)
LEGEND = (
    "classes: the unlearner and how many were forgotten. ASR: classes judged rightly, blind, in %. const: ASR of the "
    'answer "nothing was forgotten". publ.: as the paper measures it. exact: verdicts that name the forgotten set '
    "itself. rank: runs in which all forgotten classes score highest, in %. forget, retain: test accuracy of the "
    "unlearned model, in %. gate: models that count as unlearned."
)


def rows(runs: list[Run]) -> list[list[str]]:
    """The table's cells: the five words of the group, then COLUMNS."""
    return [[*words, *(column(members) for column in COLUMNS.values())] for words, members in group(runs).items()]


def sheets(runs: list[Run]) -> list[Sheet]:
    """For the terminal: a table per data set, attack and screening, a line per unlearner."""
    sections: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    found = rows(runs)
    longest = max((len(label) for _, _, _, label, *_ in found), default=0)
    for dataset, attack, screening, label, count, *cells in found:
        sections[dataset, attack, screening].append([f"{label:<{max(4, longest)}} {count:>4}", *cells])
    columns = [Column("classes", 9, words=True, left=True)]
    columns += [Column(name, width) for name, width in zip(COLUMNS, WIDTHS, strict=True)]
    return [
        Sheet(title=f"{dataset}: {attack} / {screening}", columns=columns, rows=lines)
        for (dataset, attack, screening), lines in sections.items()
    ]


def markdown(runs: list[Run]) -> str:
    """For documents."""
    header = ["data set", "attack", "screening", "unlearner", "classes", *COLUMNS]
    return markdown_lines(header, rows(runs))


def pivot(runs: list[Run], column: str) -> str:
    """One of PIVOTS as a matrix for documents: a line per unlearner and count, a column per attack and screening."""
    cells: dict[tuple[str, str, str], dict[tuple[str, str], str]] = defaultdict(dict)
    attacks: dict[tuple[str, str], None] = {}
    for (dataset, attack, screening, unlearner, count), members in group(runs).items():
        attacks.setdefault((attack, screening))
        cells[dataset, unlearner, count][attack, screening] = PIVOTS[column](members)

    def rank(line: tuple[str, str, str]) -> tuple[Any, ...]:
        return (line[0], int(line[2]) == 0, int(line[2]), *by_method(line[1]))

    header = ["data set", "unlearner", "classes", *(f"{attack} / {screening}" for attack, screening in attacks)]
    body = [[*line, *(cells[line].get(attack, "") for attack in attacks)] for line in sorted(cells, key=rank)]
    return markdown_lines(header, body)


def counts(runs: list[Run]) -> str:
    """How the runs ended: every one is counted, also those without a result."""
    by_status: dict[str, int] = defaultdict(int)
    for run in runs:
        by_status[run["status"]] += 1
    return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))

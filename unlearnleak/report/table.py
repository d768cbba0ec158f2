"""The table at the end of a sweep: what leaked, by unlearner, attack and screening."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.table import Table

from unlearnleak.metric.interval import wilson

Run = dict[str, Any]
ORDER = ("rt", "ft", "rl", "au", "ng", "none")


def scope(run: Run) -> str:
    """How many classes were forgotten: the control has none, whatever its config names."""
    return "none" if run["gate"] == "control" else str(len(run["forgotten"]))


def group(runs: list[Run]) -> dict[tuple[str, ...], list[Run]]:
    """Finished runs by data set, number of forgotten classes, unlearner, attack and screening, in the paper's order."""
    groups: dict[tuple[str, ...], list[Run]] = defaultdict(list)
    for run in runs:
        if run["status"] == "done":
            groups[(run["dataset"], scope(run), run["unlearner"], run["attack"], run["screening"])].append(run)

    def rank(item: tuple[tuple[str, ...], list[Run]]) -> tuple[Any, ...]:
        dataset, count, unlearner, attack, screening = item[0]
        place = ORDER.index(unlearner) if unlearner in ORDER else len(ORDER)
        return (dataset, count == "none", count, place, unlearner, attack, screening)

    return dict(sorted(groups.items(), key=rank))


def mean(runs: list[Run], key: str) -> str:
    """Mean of a rate in percent over the runs where it is defined; a dash where it is nowhere."""
    values = [run[key] for run in runs if run[key] is not None]
    return f"{100 * np.mean(values):.1f}" if values else "-"


def exact(runs: list[Run]) -> str:
    """How many verdicts named the forgotten set itself, of how many, with the 95 % Wilson interval of that share."""
    hits, count = sum(bool(run["exact_match"]) for run in runs), len(runs)
    if count < 5:
        return f"{hits}/{count}"
    low, high = wilson(hits, count)
    return f"{hits}/{count} ({100 * low:.0f}-{100 * high:.0f})"


def ranked(runs: list[Run]) -> str:
    """Share of runs in which every forgotten class scores above every retained one, in percent."""
    return mean(runs, "forgotten_ranked_first")


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
    "rank": ranked,
    "forget": lambda runs: mean(runs, "forget_acc"),
    "retain": lambda runs: mean(runs, "retain_acc"),
    "gate": gates,
}
LEGEND = (
    "ASR: blind, in %. const: of the answer \"nothing was forgotten\". publ.: as the paper measures it. exact: verdicts that "
    "name the forgotten set itself (95 % interval). rank: forgotten classes score highest, in % of the runs. forget, "
    "retain: test accuracy of the unlearned model, in %. gate: models that count as unlearned."
)


def rows(runs: list[Run]) -> list[list[str]]:
    """The table's cells: the five words of the group, then COLUMNS."""
    return [[*words, *(column(members) for column in COLUMNS.values())] for words, members in group(runs).items()]


def rich_table(runs: list[Run]) -> Table:
    """For the terminal, within 80 columns: one section per data set and number of forgotten classes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("unlearner, attack/screening", overflow="fold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    before = None
    for dataset, count, unlearner, attack, screening, *cells in rows(runs):
        if (dataset, count) != before:
            before = (dataset, count)
            table.add_section()
            table.add_row(f"[bold]{dataset}, forgotten: {count}[/bold]")
        table.add_row(f"{unlearner:<4} {attack}/{screening}", *cells)
    return table


def markdown(runs: list[Run]) -> str:
    """For documents."""
    header = ["data set", "forgotten", "unlearner", "attack", "screening", *COLUMNS]
    lines = [header, ["---"] * len(header), *rows(runs)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def counts(runs: list[Run]) -> str:
    """How the runs ended: every one is counted, also those without a result."""
    by_status: dict[str, int] = defaultdict(int)
    for run in runs:
        by_status[run["status"]] += 1
    return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))

"""The table at the end of a sweep: what leaked, by unlearner, attack and screening."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from unlearnleak.metric.interval import wilson
from unlearnleak.report.markdown_text import cell
from unlearnleak.report.terminal import Column, Sheet
from unlearnleak.runs.loading import job_of

Run = dict[str, Any]
Group = tuple[str, str, str, str, str]
UNLEARNERS = ("rt", "ft", "rl", "au", "ng", "none")
BASELINES = ("head_sum", "noise_prior", "aux_confidence")
ATTACKS = (
    *("param_dot", "param_diff", "param_confidence"),
    *("inversion_gradient", "inversion_genetic", "inversion_shadow"),
    *BASELINES,
)
FEW = 5
"""Below so many runs a share is given as a count alone: its interval would say nothing."""


def forgotten_count(run: Run) -> str:
    """How many classes were forgotten: the control has none, whatever its config names."""
    return "0" if run["gate"] == "control" else str(len(run["forgotten"]))


def group(runs: list[Run]) -> dict[Group, list[Run]]:
    """Finished runs by (data set, attack, screening, unlearner, number of forgotten classes), in the paper's order.

    Only runs that differ in nothing but seeds and classes are averaged: where settings (or the model, or the images)
    differ too, the unlearner's word gets their digest. The same job in two sweeps counts once.
    """
    found: dict[Group, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in distinct(runs):
        words = (run["dataset"], run["attack"], run["screening"], run["unlearner"], forgotten_count(run))
        found[words][run.get("settings", "")].append(run)
    groups: dict[Group, list[Run]] = {}
    for (dataset, attack, screening, unlearner, count), variants in found.items():
        for settings, members in variants.items():
            word = f"{unlearner} {settings}" if len(variants) > 1 else unlearner
            groups[dataset, attack, screening, word, count] = members

    def rank(words: Group) -> tuple[Any, ...]:
        dataset, attack, screening, unlearner, count = words
        word, _, settings = unlearner.partition(" ")
        return (dataset, *place(attack, ATTACKS), screening, *place(word, UNLEARNERS), int(count), settings)

    return {words: groups[words] for words in sorted(groups, key=rank)}


def distinct(runs: list[Run]) -> list[Run]:
    """Finished runs, each job once however many sweeps it is part of."""
    jobs: dict[Any, Run] = {}
    for run in runs:
        if run["status"] == "done":
            jobs.setdefault(job_of(run) or id(run), run)
    return list(jobs.values())


def place(word: str, order: tuple[str, ...]) -> tuple[int, str]:
    """Sort key: known words in their order, others after them by name."""
    return (order.index(word) if word in order else len(order), word)


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
    for dataset, attack, screening, unlearner, count, *cells in rows(runs):
        sections[dataset, attack, screening].append([f"{unlearner:<4} {count:>4}", *cells])
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
        return (line[0], int(line[2]) == 0, int(line[2]), *place(line[1].partition(" ")[0], UNLEARNERS), line[1])

    header = ["data set", "unlearner", "classes", *(f"{attack} / {screening}" for attack, screening in attacks)]
    body = [[*line, *(cells[line].get(attack, "") for attack in attacks)] for line in sorted(cells, key=rank)]
    return markdown_lines(header, body)


def markdown_lines(header: list[str], body: list[list[str]]) -> str:
    """A table in Markdown, in whose cells nothing is markup."""
    lines = [[cell(word) for word in header], ["---"] * len(header), *([cell(word) for word in line] for line in body)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def counts(runs: list[Run]) -> str:
    """How the runs ended: every one is counted, also those without a result."""
    by_status: dict[str, int] = defaultdict(int)
    for run in runs:
        by_status[run["status"]] += 1
    return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))

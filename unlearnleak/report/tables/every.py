"""The report's tables: what people see and the numbers behind it."""

from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.groups import group
from unlearnleak.analysis.matrix import Cell, Matrix, Summary
from unlearnleak.analysis.numbers import bounds, classes, of, percent
from unlearnleak.figure.chart import frame
from unlearnleak.figure.file_names import file_names
from unlearnleak.report.tables.evaluated import evaluation_tables
from unlearnleak.report.tables.leaks import HEAD, detected, table
from unlearnleak.report.tables.recovered import recovered_table
from unlearnleak.report.tables.table import Table
from unlearnleak.runs.frame import tidy
from unlearnleak.runs.words import method

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

    from unlearnleak.analysis.compare import Change
    from unlearnleak.report.gathered import Report

Run = dict[str, Any]


def all_tables(report: "Report") -> list[Table]:
    """Every table of the report."""
    tables = [at_a_glance(report.summaries), groups(report.frame)] if report.summaries else []
    names = file_names((matrix.dataset,) for matrix in report.matrices)
    tables += [matrix_table(matrix, names[matrix.dataset,]) for matrix in report.matrices]
    tables += [detection_table(report.detections)] if len(report.detections) else []
    tables += [recovered_table(report.recoveries)] if report.recoveries else []
    tables += evaluation_tables(report.measured)
    tables += [change_table(report.changes)] if report.changes else []
    return [*tables, run_table(report.runs)]


def at_a_glance(summaries: list[Summary]) -> Table:
    """The attacks, the best first."""
    shown = [
        {
            "data set": one.dataset,
            "attack / screening": f"{one.attack} / {one.screening}",
            "exact": f"{of(one.passed)} {bounds(one.interval)}".strip(),
            "exact, gate failed": of(one.failed),
            "silent on controls": of(one.silent),
            "ASR above constant, points": "-" if one.gain_points is None else f"{one.gain_points:+.1f}",
        }
        for one in summaries
    ]
    data = [
        {"dataset": one.dataset, "attack": one.attack, "screening": one.screening}
        | {
            "exact": one.passed[0],
            "n": one.passed[1],
            "exact_gate_failed": one.failed[0],
            "n_gate_failed": one.failed[1],
        }
        | {"silent": one.silent[0], "n_control": one.silent[1], "asr_above_constant_points": one.gain_points}
        for one in summaries
    ]
    caption = "Attacks over all unlearners: verdicts that name the forgotten set itself, with 95 % Wilson intervals."
    return Table("attacks", caption, frame(shown), frame(data))


def groups(runs: "pd.DataFrame") -> Table:
    """The table that `unlearnleak table` prints."""
    lines = table(runs)
    lines.insert(len(HEAD), "n", [len(members) for _, members in group(runs)])
    caption = "Every attack on every unlearner. Rates in percent; exact with 95 % Wilson intervals from five runs on."
    return Table("groups", caption, lines, lines)


def detection_table(found: "pd.DataFrame") -> Table:
    """Was anything forgotten at all?"""
    shown = frame(
        [
            {"data set": line["dataset"], "attack / screening": attack, "unlearner": classes}
            | dict(zip(("AUROC", "95 %", "n", "controls", "originals"), cells, strict=True))
            for line in found.to_dict("records")
            for attack, classes, *cells in [detected(line)]
        ]
    )
    caption = "Was anything forgotten? AUROC in percent of each run's highest score over unlearned models and controls."
    return Table("detection", caption, shown, found.rename(columns={"label": "unlearner", "count": "classes"}))


def matrix_table(matrix: Matrix, name: str) -> Table:
    """A data set's headline matrix: ASR, exact verdicts of n. `name` is the data set's in a file's name."""
    names = [" / ".join(column) for column in matrix.columns]
    shown, data = [], []
    for line in matrix.lines:
        cells = [matrix.cells.get((line, column)) for column in matrix.columns]
        head = {"unlearner": line[0], "classes": line[1]}
        shown.append(head | {name: "" if one is None else brief(one) for name, one in zip(names, cells, strict=True)})
        for (attack, screening), one in zip(matrix.columns, cells, strict=True):
            if one is not None:
                data.append(head | {"attack": attack, "screening": screening} | one._asdict())
    caption = f"{matrix.dataset}: ASR in percent; verdicts that name the forgotten set itself, of n."
    return Table(f"matrix_{name}", caption, frame(shown), frame(data))


def brief(one: Cell) -> str:
    """A cell in one line."""
    return f"{percent(one.asr)} ({one.hits}/{one.n})"


def change_table(changes: "list[Change]") -> Table:
    """What changed between two sets of runs."""
    shown = [
        {
            "changed": "yes" if one.changed else "no",
            "what": one.what,
            "metric": one.metric,
            "before": f"{percent(one.before)} (n {one.n_before})",
            "after": f"{percent(one.after)} (n {one.n_after})",
            "difference": f"{100 * one.difference:+.1f} {bounds(one.interval, 1)}".strip(),
            "test": f"{one.test}{f', {one.pairs} pairs' if one.pairs else ', unpaired'}",
            "p": f"{one.p:.2g}",
            "q": f"{one.q:.2g}",
        }
        for one in changes
    ]
    data = [one._asdict() | {"words": " ".join(one.words), "changed": one.changed} for one in changes]
    caption = "Changes: differences in percentage points with 95 % intervals, p values and, as q, adjusted (Holm)."
    return Table("changes", caption, frame(shown), frame(data))


def run_table(runs: list[Run]) -> Table:
    """Every run, also those without a result."""
    shown = [
        {key: run.get(key, "-") for key in ("dataset", "unlearner", "asked", "attack", "screening", "seed")}
        | {"asked": classes(run.get("asked", "-")), "unlearner": method({"unlearner": "-"} | run)}
        | {"status": run["status"], "gate": run.get("gate", "-")}
        | {"exact": {None: "-", 1: "yes", 0: "no"}[run.get("exact_match")], "ASR": percent(run.get("asr"))}
        for run in runs
    ]
    return Table("runs", "Every run.", frame(shown), tidy(runs))

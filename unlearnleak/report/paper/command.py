"""`unlearnleak tables` and `unlearnleak variance`: their arguments."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.machine.printable import LINES, plain, printable

if TYPE_CHECKING:
    from unlearnleak.report.terminal import Sheet

TABLES = ("III", "IV", "V", "VI", "VII", "VIII")
METRICS = ("asr", "exact_match", "auroc", "forget_acc", "retain_acc")


def tables(arguments: argparse.Namespace) -> int:
    """Print the paper's Tables III to VIII with our numbers beside its own."""
    from unlearnleak.report.paper.anomalies import anomalies  # noqa: PLC0415  (SciPy; every command imports this)
    from unlearnleak.report.paper.occupied import occupied  # noqa: PLC0415
    from unlearnleak.report.paper.show import legend, markdown, sheets, to_csv  # noqa: PLC0415
    from unlearnleak.report.paper.tables import lines, unused  # noqa: PLC0415

    runs = read(arguments.runs)
    wanted = [table for table in TABLES if table in (arguments.table or TABLES)]
    found, left_out = occupied(lines(runs, wanted))
    if arguments.csv:
        to_csv(found, sys.stdout)
        if left_out:
            print(left_out, file=sys.stderr)
        return 0
    shown = {line.table for line in found}
    notes = [f"Table {one.table}. {one.note}" for one in anomalies() if one.table in shown]
    notes = ["Odd in the paper's own figures, not corrected:", *(f"- {note}" for note in notes)] if notes else []
    if any(line.attack for line in found) and (left := unused(runs, wanted)):
        notes += ["", f"{left} finished runs are in none of these tables of attacks; `unlearnleak table` has them all."]
    notes += ["", left_out] if left_out else []
    show(markdown(found) if arguments.markdown else sheets(found), legend(found), notes, arguments, runs)
    return 0


def variance(arguments: argparse.Namespace) -> int:
    """Say how much of a metric's variance is between original models, and how much between targets of one."""
    from unlearnleak.report.paper.variance import splits  # noqa: PLC0415
    from unlearnleak.report.paper.variance_show import LEGEND, markdown, reasons, sheets, to_csv  # noqa: PLC0415

    runs = read(arguments.runs)
    by_metric = {metric: splits(runs, metric) for metric in METRICS if metric in (arguments.metric or METRICS[:1])}
    found = [one for splits_of in by_metric.values() for one in splits_of]
    empty = [metric for metric, splits_of in by_metric.items() if not splits_of]
    left_out = [f"No finished run has {', '.join(empty)}: left out."] if empty else []
    if arguments.csv:
        to_csv(found, sys.stdout)
        print(*left_out, sep="", end="\n" * len(left_out), file=sys.stderr)
        return 0
    notes = [*reasons(found), *left_out]
    show(markdown(found) if arguments.markdown else sheets(found), LEGEND, notes, arguments, runs)
    return 0


def read(folders: list[str]) -> list[dict[str, Any]]:
    """The runs; those whose result lacks what tables need count as failed."""
    from unlearnleak.runs.data_sets import told_apart  # noqa: PLC0415
    from unlearnleak.runs.loading import load_runs  # noqa: PLC0415
    from unlearnleak.runs.words import named, shown  # noqa: PLC0415

    return told_apart([shown(named(run)) for run in load_runs([Path(folder) for folder in folders])])


def show(
    body: "str | list[Sheet]", legend: str, notes: list[str], arguments: argparse.Namespace, runs: list[dict[str, Any]]
) -> None:
    """Print tables, what their words mean, notes, and how all the runs ended. Without a table there is no legend."""
    from unlearnleak.report import terminal  # noqa: PLC0415
    from unlearnleak.report.table import counts  # noqa: PLC0415
    from unlearnleak.runs.rows import lost  # noqa: PLC0415
    from unlearnleak.runs.words import unproven  # noqa: PLC0415

    end = f"{len(runs)} runs in {', '.join(arguments.runs)}: {counts(runs)}."
    rest = [*notes, "", *lost(runs), *unproven(runs), end]
    if isinstance(body, str):
        print("\n".join(printable(line, keep=LINES) for line in [*([body, "", legend, ""] if body else []), *rest]))
        return
    on = terminal.console()
    for section in body:
        terminal.show(on, section, "")
    if body:
        terminal.say(on, legend, "dim")
    for note in ["", *rest[:-1]] if body else rest[:-1]:
        terminal.say(on, note)
    terminal.show(on, plain(end))


def register(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add `tables` and `variance` to the commands of the console script."""
    for function, about in (
        (
            tables,
            "Per cell: ours, the paper's (arXiv 2604.07386), the difference, a 95 % interval over targets, and n.",
        ),
        (variance, "One-way random-effects estimates, per data set, unlearner, attack and screening."),
    ):
        parser = commands.add_parser(function.__name__, help=function.__doc__, description=about)
        parser.add_argument(
            "runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/single_class"
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
        form.add_argument("--csv", action="store_true", help="the numbers behind it, unrounded")
        if function is tables:
            parser.add_argument("--table", action="append", choices=TABLES, help="only this one; may be repeated")
        else:
            names = f"one of {', '.join(METRICS)}; asr by default; may be repeated"
            parser.add_argument("--metric", action="append", choices=METRICS, metavar="NAME", help=names)
        parser.set_defaults(function=function)

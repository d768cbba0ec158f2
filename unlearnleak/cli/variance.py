"""`unlearnleak variance`: the spread between original models, and between the targets of one."""

import argparse
import sys

from unlearnleak.cli.printing import read, show

METRICS = ("asr", "exact_match", "auroc", "forget_acc", "retain_acc")
EXAMPLES = (("outputs/runs/adhoc --metric asr --metric auroc", "of two metrics"),)
ABOUT = "One-way random-effects estimates, per data set, unlearner, attack and screening."


def variance(arguments: argparse.Namespace) -> int:
    """Say how much of a metric's variance is between original models, and how much between targets of one."""
    from unlearnleak.analysis.variance import splits  # noqa: PLC0415
    from unlearnleak.report.tables.variance import LEGEND, markdown, reasons, sheets, to_csv  # noqa: PLC0415  (SciPy)
    from unlearnleak.runs.frame import framed  # noqa: PLC0415

    runs = read(arguments.runs)
    frame = framed(runs)
    by_metric = {metric: splits(frame, metric) for metric in METRICS if metric in (arguments.metric or METRICS[:1])}
    found = [one for splits_of in by_metric.values() for one in splits_of]
    empty = [metric for metric, splits_of in by_metric.items() if not splits_of]
    left_out = [f"No finished run has {', '.join(empty)}: left out."] if empty else []
    if arguments.csv:
        to_csv(found, sys.stdout)
        print(*left_out, sep="", end="\n" * len(left_out), file=sys.stderr)
        return 0
    notes = [*reasons(found), *left_out]
    show(markdown(found) if arguments.markdown else sheets(found), LEGEND, notes, arguments.runs, runs)
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `variance` to the commands."""
    parser = commands.add_parser("variance", help=variance.__doc__, description=ABOUT)
    parser.add_argument("runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/single_class")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
    form.add_argument("--csv", action="store_true", help="the numbers behind it, unrounded")
    names = f"one of {', '.join(METRICS)}; asr by default; may be repeated"
    parser.add_argument("--metric", action="append", choices=METRICS, metavar="NAME", help=names)
    parser.set_defaults(function=variance)

"""`unlearnleak paper`: the tables of the paper beside our own numbers."""

import argparse
import sys

from unlearnleak.cli.printing import read, show

TABLES = ("III", "IV", "V", "VI", "VII", "VIII")
EXAMPLES = (
    ("outputs/runs/single_class outputs/runs/multi_class", "all six"),
    ("outputs/runs/single_class --table III --table V --markdown", "two of them, for a document"),
)
ABOUT = "Per cell: ours, the paper's (arXiv 2604.07386), the difference, a 95 % interval over targets, and n."


def paper(arguments: argparse.Namespace) -> int:
    """Print the paper's Tables III to VIII with our numbers beside its own."""
    from unlearnleak.papers.label_leakage.anomalies import anomalies  # noqa: PLC0415  (SciPy: only this command)
    from unlearnleak.papers.label_leakage.occupied import occupied  # noqa: PLC0415
    from unlearnleak.papers.label_leakage.show import legend, markdown, sheets, to_csv  # noqa: PLC0415
    from unlearnleak.papers.label_leakage.tables import lines, unused  # noqa: PLC0415
    from unlearnleak.runs.frame import framed  # noqa: PLC0415

    runs = read(arguments.runs)
    frame = framed(runs)
    wanted = [table for table in TABLES if table in (arguments.table or TABLES)]
    found, left_out = occupied(lines(frame, wanted))
    if arguments.csv:
        to_csv(found, sys.stdout)
        if left_out:
            print(left_out, file=sys.stderr)
        return 0
    shown = {line.table for line in found}
    notes = [f"Table {one.table}. {one.note}" for one in anomalies() if one.table in shown]
    notes = ["Odd in the paper's own figures, not corrected:", *(f"- {note}" for note in notes)] if notes else []
    if any(line.attack for line in found) and (left := unused(frame, wanted)):
        notes += ["", f"{left} finished runs are in none of these tables of attacks; `unlearnleak table` has them all."]
    notes += ["", left_out] if left_out else []
    show(markdown(found) if arguments.markdown else sheets(found), legend(found), notes, arguments.runs, runs)
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paper` to the commands."""
    parser = commands.add_parser("paper", help=paper.__doc__, description=ABOUT)
    parser.add_argument("runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/single_class")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
    form.add_argument("--csv", action="store_true", help="the numbers behind it, unrounded")
    parser.add_argument("--table", action="append", choices=TABLES, help="only this one; may be repeated")
    parser.set_defaults(function=paper)

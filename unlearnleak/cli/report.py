"""`unlearnleak report`: its arguments."""

import argparse
import sys
from pathlib import Path

from unlearnleak.machine.printable import printable

EXAMPLES = (
    ("outputs/runs/demo", "the page and the files for papers"),
    ("outputs/runs/demo --page-only --out /tmp/look", "a quick look, elsewhere"),
    ("outputs/runs/after --against outputs/runs/before", "what a defence has changed"),
)
ABOUT = (
    "Writes FOLDER/index.html, one file that needs nothing else, and tables and figures for papers beside it. "
    "Can be run at any time, also while a sweep goes on."
)
PICTURES = 10
"""Runs whose images and curves the page holds unless told otherwise: about 20 kB each."""


def report(arguments: argparse.Namespace) -> int:
    """Turn folders of runs into one page to read and files for papers."""
    from unlearnleak.report.build import build  # noqa: PLC0415  (only this command needs it)

    page = build(
        [Path(folder) for folder in arguments.runs],
        out=Path(arguments.out) if arguments.out else None,
        against=[Path(folder) for folder in arguments.against],
        store=Path(arguments.store) if arguments.store else None,
        pictures=None if arguments.all_images else arguments.images,
        page_only=arguments.page_only,
        tell=lambda sentence: print(printable(sentence), file=sys.stderr),
    )
    print(page)
    return 0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `report` to the commands."""
    parser = commands.add_parser("report", help=report.__doc__, description=ABOUT)
    parser.add_argument("runs", nargs="+", metavar="RUNS", help="folders of runs, or CSVs of `unlearnleak table --csv`")
    parser.add_argument(
        "--out", metavar="FOLDER", help="where to write (report in the first RUNS; NAME-report beside NAME.csv)"
    )
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="RUNS", help="earlier runs: say what has changed since, with tests"
    )
    parser.add_argument("--store", metavar="FOLDER", help="where the artifacts lie, if they were moved")
    parser.add_argument(
        "--images", type=natural, default=PICTURES, metavar="N", help="show images and curves of N runs (%(default)s)"
    )
    parser.add_argument("--all-images", action="store_true", help="show those of every run; the page may become large")
    parser.add_argument("--page-only", action="store_true", help="no files for papers: quicker, for a look at a sweep")
    parser.set_defaults(function=report)


def natural(text: str) -> int:
    """A number of runs, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of runs, such as {PICTURES}")
    return int(text)

"""The console script's commands that are not a run: `unlearnleak table`, `unlearnleak clean`."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from unlearnleak.errors import UserError
from unlearnleak.report.runs import load_runs
from unlearnleak.report.table import LEGEND, counts, markdown, rich_tables


def table(arguments: argparse.Namespace) -> int:
    """Print the table of finished runs, and every run that has no result."""
    runs = load_runs([Path(folder) for folder in arguments.runs])
    console = Console()
    if arguments.markdown:
        print(markdown(runs))
        return 0
    for section in rich_tables(runs):
        console.print(section, "")
    console.print(f"[dim]{LEGEND}[/dim]", highlight=False)
    console.print(f"\n{len(runs)} runs in {', '.join(arguments.runs)}: {counts(runs)}")
    for run in runs:
        if run["status"] not in ("done", "skipped"):
            console.print(f"  {run['status']}: {run['directory']}: {run['why']}", markup=False, highlight=False)
    return 0


def clean(arguments: argparse.Namespace) -> int:
    """Remove what killed processes left in a store; artifacts stay."""
    from unlearnleak.store import Store  # noqa: PLC0415  (only this command needs it)

    removed = Store(arguments.store).clean()
    print(f"{len(removed)} temporaries of killed processes removed from {arguments.store}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="unlearnleak", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    tabulate = commands.add_parser("table", help=table.__doc__, description=LEGEND)
    tabulate.add_argument("runs", nargs="+", help="folders of runs, such as outputs/runs/demo")
    tabulate.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
    tabulate.set_defaults(function=table)
    sweep_up = commands.add_parser("clean", help=clean.__doc__)
    sweep_up.add_argument("--store", default="outputs/artifacts", help="the store's folder (%(default)s)")
    sweep_up.set_defaults(function=clean)
    return top


def main(words: list[str]) -> int:
    """Run one command; a mistake of the user ends it with a message and exit status 1."""
    arguments = parser().parse_args(words)
    try:
        return int(arguments.function(arguments))
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1

"""The console script's commands that are not a run, such as `unlearnleak table`."""

import argparse
import os
import sys
from pathlib import Path

from unlearnleak.cli import dashboard, report
from unlearnleak.cli.help import explain
from unlearnleak.config.home import command_words
from unlearnleak.errors import UserError, require
from unlearnleak.machine.printable import LINES, plain, printable
from unlearnleak.report import by, terminal
from unlearnleak.report.paper import command as paper
from unlearnleak.report.shuffle import shuffled
from unlearnleak.report.table import LEGEND, PIVOTS, Run, counts, markdown, markdown_lines, pivot, sheets
from unlearnleak.runs.data_sets import told_apart
from unlearnleak.runs.leftovers import clean_runs, clean_store, why_no_runs, why_no_store
from unlearnleak.runs.loading import load_runs, to_csv
from unlearnleak.runs.words import unproven
from unlearnleak.tracking import sync

STORE, RUNS = "outputs/artifacts", "outputs/runs"
"""What conf/config.yaml names `store` and `runs`."""


def table(arguments: argparse.Namespace) -> int:
    """Print the table of finished runs, and every run that failed."""
    require(not arguments.columns or arguments.csv, "--columns", arguments.columns, "it chooses columns of --csv")
    require(not (arguments.markdown and arguments.csv), "--markdown", "--csv", "choose one of the two")
    runs = told_apart(load_runs([Path(folder) for folder in arguments.runs]))
    if arguments.shuffle_truth is not None:
        runs = shuffled(runs, arguments.shuffle_truth)
        print(f"Control: judged against a random truth (seed {arguments.shuffle_truth}).\n", file=sys.stderr)
    if arguments.csv:
        to_csv(runs, sys.stdout, listed("--columns", arguments.columns) if arguments.columns else None)
        return 0
    if arguments.by:
        show_by(runs, listed("--by", arguments.by), arguments.markdown)
        return 0
    if arguments.markdown or arguments.pivot:
        print(pivot(runs, arguments.pivot) if arguments.pivot else markdown(runs))
        return 0
    on = terminal.console()
    for sheet in sheets(runs):
        terminal.show(on, sheet, "")
    terminal.say(on, LEGEND, "dim")
    for sentence in unproven(runs):
        terminal.show(on, "")
        terminal.say(on, sentence)
    terminal.show(on, "", plain(f"{len(runs)} runs in {', '.join(arguments.runs)}: {counts(runs)}"))
    for run in runs:
        if run["status"] == "failed":
            terminal.show(on, plain(f"  failed: {run['directory']}: {run['why']}"))
    return 0


def listed(option: str, text: str) -> list[str]:
    """Names that are separated by commas."""
    names = [name.strip() for name in text.split(",")]
    require(all(names), option, text, "a name is empty; separate names by single commas")
    return names


def show_by(runs: list[Run], keys: list[str], as_markdown: bool) -> None:
    """Print runs by their settings."""
    if as_markdown:
        print(markdown_lines(by.header(keys), by.by(runs, keys)))
        return
    on = terminal.console()
    for sheet in by.sheets(runs, keys):
        terminal.show(on, sheet, "")
    terminal.say(on, by.LEGEND, "dim")


def status(arguments: argparse.Namespace) -> int:
    """Say how a sweep stands, from what lies on disk; it may run in another terminal or on another machine."""
    from unlearnleak.sweep import board  # noqa: PLC0415  (only this command needs it)

    launch = board.latest_launch(Path(arguments.sweep) if arguments.sweep else None, Path(arguments.runs))
    print(printable(board.report(launch), keep="\n"))
    return 0


def clean(arguments: argparse.Namespace) -> int:
    """Remove what killed processes left in a store and among runs, and list it; artifacts and results stay."""
    store, runs = Path(arguments.store or STORE), Path(arguments.runs or RUNS)
    chosen = [(store, arguments.store, why_no_store, clean_store), (runs, arguments.runs, why_no_runs, clean_runs)]
    cleaning = []
    for folder, named, why_not, clean_it in chosen:
        if not (why := why_not(folder)):
            cleaning.append((folder, clean_it))
        elif named:  # the other one is left alone as well: who mistypes one may have meant another
            raise UserError(why)
    removed: list[Path] = []
    try:
        for folder, clean_it in cleaning:
            clean_it(folder, removed.append)
    finally:  # also where something could not be removed
        where = " and ".join(str(folder) for folder, _ in cleaning)
        print(f"{len(removed)} leftovers of killed processes removed from {where or 'nowhere: nothing is there yet'}")
        for path in removed:
            print(f"  {path}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="unlearnleak", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    register(commands)
    for module in (report, paper, sync, dashboard):
        module.register(commands)
    sweep_up = commands.add_parser("clean", help=clean.__doc__)
    sweep_up.add_argument("--store", help=f"the store's folder ({STORE})")
    sweep_up.add_argument("--runs", help=f"the folder of runs ({RUNS})")
    sweep_up.set_defaults(function=clean)
    for name, command in commands.choices.items():
        explain(name, command)
    top.set_defaults(parsers=commands.choices)
    return top


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Each command's own arguments."""
    found: dict[str, argparse.ArgumentParser] = parser().get_default("parsers")
    return found


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `table` and `status` to the commands."""
    tabulate = commands.add_parser("table", help=table.__doc__, description=LEGEND)
    tabulate.add_argument(
        "runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/demo, or CSVs that --csv wrote"
    )
    form = tabulate.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="every run as a row, with all its numbers")
    form.add_argument(
        "--by", metavar="SETTINGS", help="how well unlearned, by settings, separated by commas, such as training.lr"
    )
    form.add_argument(
        "--pivot", choices=PIVOTS, metavar="COLUMN", help=f"one of {', '.join(PIVOTS)}, as a matrix in Markdown"
    )
    tabulate.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
    tabulate.add_argument(
        "--shuffle-truth",
        type=int,
        metavar="SEED",
        help="control: judge the verdicts against classes drawn at random; a number from 0 on",
    )
    tabulate.add_argument(
        "--columns", metavar="NAMES", help="with --csv: only these, separated by commas, such as dataset,asr"
    )
    tabulate.set_defaults(function=table)
    stand = commands.add_parser("status", help=status.__doc__)
    stand.add_argument(
        "sweep", nargs="?", metavar="SWEEP", help="its folder or its name; the last one launched by default"
    )
    stand.add_argument("--runs", default="outputs/runs", metavar="FOLDER", help="where sweeps lie (%(default)s)")
    stand.set_defaults(function=status)


def refuse_empty(arguments: argparse.Namespace) -> None:
    """Raises UserError for an empty word, as of an unset variable of a shell: as a folder it would be this one."""
    for name, value in vars(arguments).items():
        words = value if isinstance(value, list) else [value]
        require("" not in words, name, "''", "an empty word names nothing")


def main(words: list[str]) -> int:
    """Run one command; a mistake of the user ends it with a message and exit status 1."""
    arguments = parser().parse_args(command_words(words))
    try:
        refuse_empty(arguments)
        return int(arguments.function(arguments))
    except UserError as error:
        print(f"Error: {printable(error, keep=LINES)}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0

"""`unlearnleak table`: what leaked, on the terminal, in Markdown or as CSV."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.errors import require
from unlearnleak.machine.printable import plain

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

PIVOTS = ("ASR", "const", "publ.", "exact", "rank", "forget", "retain", "gate", "placebo", "luck")
"""What can be shown as a matrix (`report.tables.leaks.PIVOTS`)."""
EXAMPLES = (
    ("outputs/runs/demo", "what leaked"),
    ("outputs/runs/demo outputs/runs/adhoc --csv", "every run's numbers, for a spreadsheet"),
    ("outputs/runs/demo --csv --columns attack,asr", "some of them"),
    ("outputs/runs/ng_2 --by unlearner.lr,unlearner.epochs", "a search for a recipe"),
    ("outputs/runs/demo --pivot exact", "a matrix for a document"),
    ("outputs/runs/demo --shuffle-truth 1", "the level of chance: verdicts against a random truth"),
)
ABOUT = (
    "A line per unlearner and number of forgotten classes, a table per data set, attack and screening. Runs whose "
    "settings differ in more than seeds and classes have lines of their own, under their settings' digest."
)
Run = dict[str, Any]


def table(arguments: argparse.Namespace) -> int:
    """Print the table of finished runs, and every run that failed."""
    from unlearnleak.analysis.shuffle import shuffled  # noqa: PLC0415  (pydantic, NumPy: only this command needs them)
    from unlearnleak.report.tables.leaks import markdown, pivot  # noqa: PLC0415
    from unlearnleak.runs.data_sets import told_apart  # noqa: PLC0415
    from unlearnleak.runs.frame import framed  # noqa: PLC0415
    from unlearnleak.runs.loading import load_runs, to_csv  # noqa: PLC0415
    from unlearnleak.runs.strengths import with_strengths  # noqa: PLC0415

    require(not arguments.columns or arguments.csv, "--columns", arguments.columns, "it chooses columns of --csv")
    require(not (arguments.markdown and arguments.csv), "--markdown", "--csv", "choose one of the two")
    runs = with_strengths(told_apart(load_runs([Path(folder) for folder in arguments.runs])))
    if arguments.shuffle_truth is not None:
        runs = shuffled(runs, arguments.shuffle_truth)
        print(
            f"Judged against a random truth (seed {arguments.shuffle_truth}): what luck gives. An attack that had seen "
            "the real one would look the same here.\n",
            file=sys.stderr,
        )
    if arguments.csv:
        to_csv(runs, sys.stdout, listed("--columns", arguments.columns) if arguments.columns else None)
    elif arguments.by:
        show_by(runs, listed("--by", arguments.by), arguments.markdown)
    elif arguments.markdown or arguments.pivot:
        frame = framed(runs)
        print(pivot(frame, arguments.pivot) if arguments.pivot else markdown(frame))
    else:
        show(runs, arguments.runs)
    return 0


def listed(option: str, text: str) -> list[str]:
    """Names that are separated by commas."""
    names = [name.strip() for name in text.split(",")]
    require(all(names), option, text, "a name is empty; separate names by single commas")
    return names


def show(runs: list[Run], folders: list[str]) -> None:
    """Print what leaked, how all the runs ended, and why some failed."""
    from unlearnleak.analysis.committed import fooled  # noqa: PLC0415
    from unlearnleak.report.tables import evaluated, recovered, terminal  # noqa: PLC0415
    from unlearnleak.report.tables.leaks import DETECTION, LEGEND, counts, detection_sheets, sheets  # noqa: PLC0415
    from unlearnleak.runs.frame import framed  # noqa: PLC0415
    from unlearnleak.runs.shape import is_untold  # noqa: PLC0415
    from unlearnleak.runs.words import classes_text, unproven  # noqa: PLC0415

    on = terminal.console()
    frame = framed(runs)
    found, measured = recovered.sheets(frame), evaluated.sheets(frame)
    if (judged := sheets(frame)) or not (found or measured):
        terminal.show(on, *(part for sheet in judged for part in (sheet, "")))
        terminal.say(on, LEGEND, "dim")
    if judged and (sentence := fooled(attacked(frame))):
        terminal.say(on, sentence, "dim")
    if detection := detection_sheets(frame):
        terminal.show(on, "", *(part for sheet in detection for part in (sheet, "")))
        terminal.say(on, DETECTION, "dim")
    if found:
        terminal.show(on, *([""] if judged else []), *(part for sheet in found for part in (sheet, "")))
        terminal.say(on, recovered.LEGEND, "dim")
    if measured:
        terminal.show(on, *([""] if judged or found else []), *(part for sheet in measured for part in (sheet, "")))
        terminal.say(on, " ".join(evaluated.legends(frame)), "dim")
    for sentence in unproven(runs):
        terminal.show(on, "")
        terminal.say(on, sentence)
    terminal.show(on, "", plain(f"{len(runs)} runs in {', '.join(folders)}: {counts(runs)}"))
    for run in runs:
        if run["status"] == "failed":
            terminal.show(on, plain(f"  failed: {run['directory']}: {run['why']}"))
        elif is_untold(run):
            terminal.show(on, plain(f"  {run['directory']}: verdict {classes_text(run['verdict'])}; {run['why']}"))


def attacked(frame: "pd.DataFrame") -> list[tuple[str, str]]:
    """Each attack with its screening, once, in the order of the runs."""
    return list(frame[["attack", "screening"]].dropna().drop_duplicates().itertuples(index=False, name=None))


def show_by(runs: list[Run], keys: list[str], as_markdown: bool) -> None:
    """Print runs by their settings."""
    from unlearnleak.report.tables import by, terminal  # noqa: PLC0415
    from unlearnleak.report.tables.markdown import markdown_table  # noqa: PLC0415
    from unlearnleak.runs.frame import framed  # noqa: PLC0415

    if as_markdown:
        print(markdown_table(by.by(framed(runs), keys)))
        return
    on = terminal.console()
    for sheet in by.sheets(framed(runs), keys):
        terminal.show(on, sheet, "")
    terminal.say(on, by.LEGEND, "dim")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `table` to the commands."""
    parser = commands.add_parser("table", help=table.__doc__, description=ABOUT)
    parser.add_argument(
        "runs", nargs="+", metavar="RUNS", help="folders of runs, such as outputs/runs/demo, or CSVs that --csv wrote"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="every run as a row, with all its numbers")
    form.add_argument(
        "--by", metavar="SETTINGS", help="how well unlearned, by settings, separated by commas, such as training.lr"
    )
    form.add_argument(
        "--pivot", choices=PIVOTS, metavar="COLUMN", help=f"one of {', '.join(PIVOTS)}, as a matrix in Markdown"
    )
    parser.add_argument("--markdown", action="store_true", help="for a document instead of the terminal")
    parser.add_argument(
        "--shuffle-truth",
        type=int,
        metavar="SEED",
        help="judge the verdicts against classes drawn at random: what luck gives; a number from 0 on",
    )
    parser.add_argument(
        "--columns", metavar="NAMES", help="with --csv: only these, separated by commas, such as dataset,asr"
    )
    parser.set_defaults(function=table)

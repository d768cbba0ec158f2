"""Reading runs back from the rows that `unlearnleak table --csv` writes.

A row keeps a run's numbers and words, not its artifacts, configs or nested settings; with `--columns` it keeps less.
`lost` says what a report of such rows cannot show.
"""

import csv
from pathlib import Path
from typing import Any

from unlearnleak.errors import UserError
from unlearnleak.report.words import NEEDED, NUMBERS

Run = dict[str, Any]
WORDS = {"dataset", "model", "unlearner", "attack", "screening", "settings", "gate", "status", "why", "host"}
WORDS |= {"sweep_name", "revision", "device", "job", "logged_why"}
CLASSES = ("forgotten", "verdict", "forget_classes")
FLAGS = {"True": True, "False": False}
SHOWS = {
    "status": "runs that failed or were skipped",
    "settings": "settings, so that runs of different ones would be averaged",
    "scores": "scores per class",
    "key_evidence": "images, dot products and the other figures that are drawn from evidence",
    "key_unlearned": "which runs share stages",
    "time": "when runs ended",
    "versions": "versions",
}
"""What is not shown where a column is not there."""


def read_rows(path: Path) -> list[Run]:
    """The runs of a CSV, in its order, as `load_runs` gives them; "csv" names the file, "lacks" the columns of SHOWS
    that it does not have. "directory" is the file and the line, for people: there is no such folder.

    Raises:
        UserError: the file is no table of runs, or a number in it is none.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            numbered = [(reader.line_num, row) for row in reader]
            columns = list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV ({error}).") from error
    if missing := [column for column in (*NEEDED, *NUMBERS) if column not in columns]:
        raise UserError(
            f"{path} is no table of runs: it lacks the columns {', '.join(missing)}. "
            "`unlearnleak table RUNS --csv` writes one."
        )
    lacks = [column for column in SHOWS if column not in columns]
    return [read_row(row, path, line) | {"csv": str(path), "lacks": lacks} for line, row in numbered]


def read_row(row: dict[str | Any, str | Any], path: Path, line: int) -> Run:
    """One run."""
    where = f"{path}, line {line}"
    if None in row or None in row.values():
        raise UserError(f"{where} has more or fewer cells than the header.")
    run: Run = {"status": "done", "why": None, "directory": path / f"line {line}"}
    run |= {key: value(key, text, where) for key, text in row.items() if text}
    if run["status"] == "done":
        run |= {key: [] for key in (*CLASSES, "gate_reasons") if key in row and key not in run}
    seeds = {key.removeprefix("seed_"): run.pop(key) for key in list(run) if key.startswith("seed_")}
    return run | ({"seeds": seeds} if seeds else {})


def value(key: str, text: str, where: str) -> Any:
    """What a cell's text stands for. Raises UserError where a number that a report needs is none."""
    if key in WORDS or key.startswith(("key_", "made_with_")):
        return text
    if key == "gate_reasons":
        return [text]  # where one ends and the next begins is not kept
    try:
        if key in (*CLASSES, "scores"):
            return [int(word) if key in CLASSES else float(word) for word in text.split()]
        return int(text) if text.lstrip("-").isdecimal() else FLAGS[text] if text in FLAGS else float(text)
    except ValueError as error:
        if key in (*CLASSES, "scores", *NUMBERS) or key.startswith(("seed_", "seconds_")):
            raise UserError(f"{where}: {key}={text!r} is no number.") from error
        return text  # a column of somebody's own


def lost(runs: list[Run]) -> list[str]:
    """A sentence for each CSV among the runs: what it cannot tell."""
    files = {run["csv"]: run for run in runs if "csv" in run}
    counts = {name: sum(run.get("csv") == name for run in runs) for name in files}
    return [
        f"{counts[name]:,} runs were read from {name}, which keeps no commands and no curves. Not in it either: "
        + "; ".join(SHOWS[column] for column in run["lacks"])
        + "."
        for name, run in files.items()
    ]

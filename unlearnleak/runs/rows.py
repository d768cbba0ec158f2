"""Reading runs back from the rows that `unlearnleak table --csv` writes.

A row keeps a run's numbers and words, not its artifacts, configs or nested settings; with `--columns` it keeps less.
`lost` says what a report of such rows cannot show.
"""

import csv
import math
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from unlearnleak.config.objective import RECOVERED
from unlearnleak.errors import UserError
from unlearnleak.machine.memory import free_memory
from unlearnleak.runs.shape import NEEDED, NUMBERS, OF_VERDICT, OURS, RATES, UNJUDGED, examined, shown
from unlearnleak.runs.spreadsheet import text_of

Run = dict[str, Any]
MEMORY_A_BYTE = 40
"""Bytes of memory that a run takes at most for each byte of its row: a cell of one digit is an object and a key."""
WORDS = {
    "dataset",
    "defense",
    "forget_level",
    "sees_target",
    "sees_original",
    "model",
    "unlearner",
    "attack",
    "screening",
    "settings",
    "gate",
    "status",
    "why",
    "host",
}
WORDS |= {"held", "sweep_name", "revision", "unproven", "device", "job", "logged_why"}
CLASSES = ("forgotten", "verdict", "forget_classes", "not_judged")
COUNTED = {
    *CLASSES,
    "image_shape",
    "scores",
    "num_classes",
    "queries",
    "time",
    "forget_share",
    "forget_samples",
    "finetuning_samples",
    "detection_score",
    *NUMBERS,
    *RATES,
    *RECOVERED,
}
DEFENSE = "defense_"
"""Before the name of each of a defence's settings."""
EVALUATION = "evaluation_"
"""Before the name of each number that an evaluation measured."""
TEXTS = tuple(f"{EVALUATION}{name}" for name in ("name", "hardware", "retrained_hardware"))
"""What an evaluation says in words."""
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
    header, numbered = read_cells(path)
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise UserError(f"{path} is no table of runs: it has the columns {', '.join(twice)} more than once.")
    judges = "screening" not in header or any(
        cells[header.index("screening")] != UNJUDGED for _, cells in numbered if len(cells) == len(header)
    )
    needed = NEEDED if judges or not numbered else [column for column in NEEDED if column not in OF_VERDICT]
    if missing := [column for column in needed if column not in header]:
        raise UserError(
            f"{path} is no table of runs: it lacks the columns {', '.join(missing)}. "
            "`unlearnleak table RUNS --csv` writes one, with commas between its cells."
        )
    lacks = [column for column in SHOWS if column not in header]
    return [read_row(header, cells, path, line) | {"csv": str(path), "lacks": lacks} for line, cells in numbered]


def read_cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each row's texts with the line that it ends on. Raises UserError."""
    try:
        check_size(path)
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a byte order mark before it
            reader = csv.reader(file)
            numbered = [(reader.line_num, [text_of(text) for text in row]) for row in reader if row]
    except UnicodeDecodeError as error:
        raise UserError(f"{path} cannot be read as a CSV: it is no UTF-8 ({error}). Save it as UTF-8.") from error
    except (OSError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV ({error}).") from error
    return numbered[0][1] if numbered else [], numbered[1:]


def check_size(path: Path) -> None:
    """Raises UserError where the rows would not fit into memory, or would have no end; OSError where none is there."""
    seen, free = path.stat(), free_memory()
    if not stat.S_ISREG(seen.st_mode):
        raise UserError(f"{path} is no file: name a CSV, or a folder of runs.")
    if free is not None and seen.st_size * MEMORY_A_BYTE > free:
        raise UserError(f"{path} has {seen.st_size:,} bytes, too many for the {free:,} bytes of memory that are free.")


def read_row(header: list[str], cells: list[str], path: Path, line: int) -> Run:
    """One run."""
    where = f"{path}, line {line}"
    if len(cells) != len(header):
        raise UserError(f"{where} has more or fewer cells than the header: {len(cells)}, not {len(header)}.")
    row = {name: text for name, text in zip(header, cells, strict=True) if name not in OURS}
    run: Run = {"status": "done", "why": None}
    run |= {key: value(key, text, where) for key, text in row.items() if text}
    if run["status"] == "done":
        empty: Run = {key: [] for key in (*CLASSES, "gate_reasons") if key in row and key not in run}
        run |= {key: of for key, of in empty.items() if key != "verdict" or run.get("screening") != UNJUDGED}
    seeds = {key.removeprefix("seed_"): run.pop(key) for key in list(run) if key.startswith("seed_")}
    run |= {"seeds": seeds} if seeds else {}
    strengths = {key.removeprefix(DEFENSE): run.pop(key) for key in list(run) if key.startswith(DEFENSE)}
    run |= {"defense_settings": strengths} if strengths else {}
    measured = {key.removeprefix(EVALUATION): run.pop(key) for key in list(run) if key.startswith(EVALUATION)}
    run |= {"evaluation": measured} if measured.get("name") else {}
    if run["status"] == "done" and (wrong := examined(run)[1]):
        raise UserError(f"{where}: {wrong}.")
    return run | {"directory": path / f"line {line}"} | ({"unproven": row["unproven"]} if row.get("unproven") else {})


def value(key: str, text: str, where: str) -> Any:
    """What a cell's text stands for. Raises UserError where a number that a report needs is none."""
    if key in WORDS or key in TEXTS or key.startswith(("key_", "made_with_")):
        return text
    if key == "gate_reasons":
        return [text]  # where one ends and the next begins is not kept
    try:
        if key in CLASSES or key == "image_shape":
            return [int(word) for word in text.split()]
        if key == "scores" or (key.startswith(EVALUATION) and " " in text and key not in TEXTS):
            return [None if word == str(None) else finite(word) for word in text.split()]  # of a class not judged
        return int(text) if text.lstrip("-").isdecimal() else FLAGS[text] if text in FLAGS else finite(text)
    except ValueError as error:
        if key in COUNTED or key.startswith(("seed_", "seconds_", "memory_mib_")):
            raise UserError(f"{where}: {key}={shown(text)} is no number.") from error
        return text  # a column of somebody's own


def finite(text: str) -> float:
    """A number. Raises ValueError for any other text, "nan" and "inf" among them."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


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

"""Reading runs back from their folders."""

import csv
from pathlib import Path
from typing import Any, TextIO

from unlearnleak.errors import UserError
from unlearnleak.status import RESULT, STATUS, read_json


def load_runs(folders: list[Path]) -> list[dict[str, Any]]:
    """One entry per run below `folders`: its result where it is done, and always "status" and "directory".

    A run that is done but whose result is not whole counts as failed. Sorted by directory.

    Raises:
        UserError: a folder is not there, or holds no run at all.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise UserError(f"There is no folder {', '.join(missing)}. Name folders of runs, such as outputs/runs/adhoc.")
    found = []
    paths = {path.resolve(): path for folder in folders for path in folder.rglob(STATUS)}  # each once, however named
    for path in sorted(paths.values()):
        status = read_json(path) or {}
        if "status" not in status:
            status = {"status": "failed", "why": "status.json is not whole"}
        result = read_json(path.parent / RESULT) if status["status"] == "done" else None
        if status["status"] == "done" and result is None:
            status = {"status": "failed", "why": "result.json is missing or not whole"}
        outcome = {"status": status["status"], "why": status.get("why"), "directory": path.parent}
        found.append((result or {}) | outcome)
    if not found:
        raise UserError(f"No runs in {', '.join(map(str, folders))}. Name folders of runs, such as outputs/runs/adhoc.")
    return found


def flat(run: dict[str, Any]) -> dict[str, Any]:
    """A run's numbers and words as one flat row: lists become text, nested settings are left out."""
    row: dict[str, Any] = {}
    for key, value in run.items():
        if isinstance(value, list):
            row[key] = " ".join(f"{item:.6g}" if isinstance(item, float) else str(item) for item in value)
        elif isinstance(value, float):
            row[key] = f"{value:.6g}"
        elif isinstance(value, str | int | None):
            row[key] = value
    seeds = {f"seed_{name}": seed for name, seed in run.get("seeds", {}).items()}
    return row | seeds


def to_csv(runs: list[dict[str, Any]], file: TextIO, columns: list[str] | None = None) -> None:
    """One row per run, also for runs without a result; `columns` defaults to the union of all keys.

    Raises:
        UserError: a column that no run has.
    """
    rows = [flat({key: value for key, value in run.items() if key != "directory"}) for run in runs]
    known = list(dict.fromkeys(key for row in rows for key in row))
    if unknown := [column for column in columns or [] if column not in known]:
        raise UserError(f"No run has a column {', '.join(unknown)}. Columns: {', '.join(known)}.")
    writer = csv.DictWriter(file, columns or known, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)

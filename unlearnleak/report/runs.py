"""Reading runs back from their folders."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from unlearnleak.errors import UserError
from unlearnleak.status import RESULT, STATUS, read_json, read_status


def load_runs(folders: list[Path]) -> list[dict[str, Any]]:
    """One entry per run below `folders`: its result where it is done, and always "status", "why" and "directory".

    A run that is done but whose result is not whole counts as failed, and so does one whose process died. Sorted by
    directory. Folders whose names begin with a dot hold a sweep's own files and no runs; nor is a run looked for inside
    a run. "time" (seconds since 1970), "host" and "traceback" are given where status.json has them.

    Raises:
        UserError: a folder is not there, or holds no run at all.
    """
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise UserError(f"There is no folder {', '.join(missing)}. Name folders of runs, such as outputs/runs/adhoc.")
    found = []
    paths = {path.resolve(): path for folder in folders for path in status_files(folder)}  # each once, however named
    for path in sorted(paths.values()):
        status = read_status(path.parent)
        if status is None:
            continue  # removed while we looked
        result = read_json(path.parent / RESULT) if status["status"] == "done" else None
        if status["status"] == "done" and result is None:
            status = {"status": "failed", "why": "result.json is missing or not whole"}
        outcome = {"status": status["status"], "why": status.get("why"), "directory": path.parent}
        outcome |= {key: status[key] for key in ("time", "host", "traceback") if key in status}
        found.append((result or {}) | outcome)
    if not found:
        raise UserError(f"No runs in {', '.join(map(str, folders))}. Name folders of runs, such as outputs/runs/adhoc.")
    return found


def status_files(folder: Path) -> Iterator[Path]:
    """The status file of every run in `folder` and below."""
    for place, inner, files in os.walk(folder):
        if STATUS in files:
            inner.clear()
            yield Path(place, STATUS)
        inner[:] = [name for name in inner if not name.startswith(".")]


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
    left_out = ("directory", "traceback")
    rows = [flat({key: value for key, value in run.items() if key not in left_out}) for run in runs]
    known = list(dict.fromkeys(key for row in rows for key in row))
    if unknown := [column for column in columns or [] if column not in known]:
        raise UserError(f"No run has a column {', '.join(unknown)}. Columns: {', '.join(known)}.")
    writer = csv.DictWriter(file, columns or known, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)

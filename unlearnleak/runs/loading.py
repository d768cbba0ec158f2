"""Reading runs back from their folders."""

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any, TextIO

from unlearnleak.errors import UserError
from unlearnleak.runs import spreadsheet
from unlearnleak.runs.rows import DEFENSE, EVALUATION, read_rows
from unlearnleak.runs.shape import examined, is_untold
from unlearnleak.runs.stages import merged, stages_of
from unlearnleak.runs.status import DIGEST, RESULT, STATUS, digest_of, read_json, read_status

UNTOLD = "nobody says what was forgotten, so the verdict is held against nothing"
"""Why a finished run of somebody's own model (`target=file`) counts in no table."""


def load_runs(folders: list[Path]) -> list[dict[str, Any]]:
    """One entry per run below `folders`: its result where it is done, and always "status", "why" and "directory".

    A run that is done but whose result is not whole counts as failed, and so does one whose process died; one that was
    told to stop before its verdict (`until=unlearned`) counts as skipped, and so does one of a model of which nobody
    says what it forgot: its verdict is there, and no number. Sorted by directory. Folders whose names begin with a dot
    hold a sweep's own files and no runs; nor is a run looked for inside a run. "time" (seconds since
    1970), "host" and "traceback" are given where status.json has them. A result that lacks what a report reads, or has
    something else in its place (`shape`), counts as failed. One without a digest counts, and has "unproven".

    A file among `folders` is a CSV as `unlearnleak table --csv` writes it (`rows.read_rows`); its runs come last.

    Raises:
        UserError: a folder is not there, or holds no run at all; a file is no table of runs.
    """
    missing = [str(folder) for folder in folders if not folder.exists()]
    if missing:
        raise UserError(f"There is no folder {', '.join(missing)}. Name folders of runs, such as outputs/runs/adhoc.")
    files = {path.resolve(): path for path in folders if path.is_file()}  # each once, however named
    found = read_folders([folder for folder in folders if folder.is_dir()])
    found += [run for path in files.values() for run in read_rows(path)]
    if not found:
        raise UserError(f"No runs in {', '.join(map(str, folders))}. Name folders of runs, such as outputs/runs/adhoc.")
    return found


def read_folders(folders: list[Path]) -> list[dict[str, Any]]:
    """The runs below the folders, each once, sorted by directory."""
    paths = {key: path for folder in folders for key, path in status_files(folder).items()}  # each once, however named
    found = (read_run(path.parent) for path in sorted(paths.values()))
    return [run for run in found if run is not None]


def read_run(directory: Path) -> dict[str, Any] | None:
    """One run; None where it was removed while we looked."""
    try:
        status = read_status(directory) if is_plain(directory / STATUS) else failed(f"{STATUS} is no file")
    except OSError as error:
        status = failed(f"{STATUS} cannot be read: {error}")
    if status is None:
        return None
    result, why = read_done(directory) if status["status"] == "done" else ({}, "")
    if why and "stage" in status and not (directory / RESULT).exists():
        status |= {"status": "skipped", "why": f"no verdict: it was told until={status['stage']}"}
    elif why:
        status |= failed(why)
    elif is_untold(result):
        status |= {"status": "skipped", "why": UNTOLD}
    outcome = {"status": str(status["status"]), "why": None if status.get("why") is None else str(status["why"])}
    outcome |= {key: status[key] for key in ("time", "host", "traceback") if key in status}
    return result | outcome | {"directory": directory}


def read_done(directory: Path) -> tuple[dict[str, Any], str]:
    """What can be used of a finished run's result, and why it is none; "" where it is one.

    A result without a digest cannot be told from an altered one: "unproven" says so.
    """
    path = directory / RESULT
    try:
        result = read_json(path) if is_plain(path) else None
        altered = result is not None and DIGEST in result and result[DIGEST] != digest_of(result)
    except (OSError, RecursionError) as error:
        return {}, f"{RESULT} cannot be read: {error}"
    if result is None:
        return {}, f"{RESULT} is missing or not whole"
    if altered:
        return {}, f"{RESULT} is not what was written: it was altered"
    kept, wrong = examined(result, numbered=not is_untold(result))
    return kept | ({} if DIGEST in result else {"unproven": "no digest"}), f"{RESULT} {wrong}" if wrong else ""


def failed(why: str) -> dict[str, Any]:
    """The status of a run that counts as failed."""
    return {"status": "failed", "why": why}


def is_plain(path: Path) -> bool:
    """Whether there is nothing, or a file: to read what is neither, such as a pipe, might take forever."""
    return path.is_file() or not (path.exists() or path.is_symlink())


def status_files(folder: Path) -> dict[Path, Path]:
    """The status file of every run in `folder` and below, by its place when every link in `folder` is followed.

    A folder that cannot be looked into counts as a run: nobody knows what it holds.
    """
    found, whole = {}, folder.resolve()  # once: the walk below it follows no link
    closed: list[Path] = []
    for place, inner, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename, STATUS))):
        if STATUS in files:
            inner.clear()
            path = Path(place, STATUS)
            found[whole / path.relative_to(folder)] = path
        inner[:] = [name for name in inner if not name.startswith(".")]
    return found | {whole / path.relative_to(folder): path for path in closed}


def flat(run: dict[str, Any]) -> dict[str, Any]:
    """A run's numbers and words as one flat row, fit for a CSV (`spreadsheet.cell`): lists become text, nested settings
    are left out. "job" tells jobs apart, as `job_of` does.
    """
    row: dict[str, Any] = {}
    for key, value in run.items():
        if isinstance(value, list):
            text = " ".join(f"{item:.6g}" if isinstance(item, float) else str(item) for item in value)
            row[key] = spreadsheet.cell(text) if any(isinstance(item, str) for item in value) else text
        elif isinstance(value, float):
            number = value + 0.0  # minus zero would be read as the whole number 0, and written so the next time
            row[key] = f"{number:.6g}" if abs(number) < 1e6 else f"{number:.0f}"  # a time keeps its seconds
        elif isinstance(value, str | int | None):
            row[key] = spreadsheet.cell(value)
    seeds = {f"seed_{name}": seed for name, seed in run.get("seeds", {}).items()}
    seeds |= {f"{DEFENSE}{name}": spreadsheet.cell(of) for name, of in plain(run.get("defense_settings") or {}).items()}
    measured = {key: of for key, of in (run.get("evaluation") or {}).items() if key != "settings"}
    seeds |= flat({f"{EVALUATION}{name}": of for name, of in measured.items()}) if measured else {}
    job = job_of(run)
    return row | seeds | ({} if job is None else {"job": job})


def plain(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that are words and numbers."""
    return {name: value for name, value in settings.items() if isinstance(value, str | int | float)}


def job_of(run: dict[str, Any]) -> str | None:
    """What a finished run has in common with those that repeat its job, in whatever sweep; None where it is not known.

    16 hexadecimal digits of the SHA-256 of its models' and verdict's keys, its classes and its gate.
    """
    if "job" in run:  # read from a CSV
        return str(run["job"])
    if not (identity := run.get("identity")):
        return None
    same = json.dumps([identity["keys"], identity["classes"], identity["gate"]])
    return hashlib.sha256(same.encode()).hexdigest()[:16]


def to_csv(runs: list[dict[str, Any]], file: TextIO, columns: list[str] | None = None) -> None:
    """One row per run, also for runs without a result; `columns` defaults to the union of all keys.

    Raises:
        UserError: a column that no run has.
    """
    left_out = ("directory", "traceback", "csv", "lacks")
    rows = [flat({key: value for key, value in run.items() if key not in left_out}) for run in runs]
    several = len({tuple(names) for row in rows if (names := stages_of(row))}) > 1
    keys = merged(dict.fromkeys(map(tuple, rows))) if several else (key for row in rows for key in row)
    known = list(dict.fromkeys(keys))  # the order of columns is that of the stages, also of one that some runs lack
    if unknown := [column for column in columns or [] if column not in known]:
        raise UserError(f"No run has a column {', '.join(unknown)}. Columns: {', '.join(known)}.")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(spreadsheet.cell, columns or known))
    writer.writerows([row.get(column) for column in columns or known] for row in rows)

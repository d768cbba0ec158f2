"""Reading runs back from their folders."""

from pathlib import Path
from typing import Any

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
    for path in sorted({path for folder in folders for path in folder.rglob(STATUS)}):
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

"""The folder of one audit: audit.json, audit.html and audit.pdf. Another audit's is never written over."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unlearnleak.auditing.result import Answer
from unlearnleak.auditing.showing.page import page
from unlearnleak.auditing.showing.pdf import pdf
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.report import own_folder
from unlearnleak.report.own_folder import ELSEWHERE
from unlearnleak.runs.status import read_json

JSON = "audit.json"


def write(result: Answer, folder: Path) -> list[Path]:
    """Write the three files and return their paths.

    Raises:
        UserError: another audit lies there, the folder is a link, or it cannot be written.
    """
    refuse_other(folder, lambda kept: asked(kept) == asked(result.as_dict()))
    files = {
        JSON: result.to_json().encode(),
        "audit.html": page(result).encode(),
        "audit.pdf": pdf(result),
    }
    own_folder.write_all(folder, files)
    return [folder / name for name in files]


def check(folder: Path, digest: str) -> None:
    """Raises UserError where the folder is none to write into; known beforehand, nobody waits in vain.

    `digest` is that of what is asked, which an audit of the same command has as well.
    """
    refuse_other(folder, lambda kept: kept.get("asked") == digest)
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UserError(f"{printable(there)} is no folder, and {printable(folder)} cannot be in it. {ELSEWHERE}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"{printable(folder)} cannot be written: {printable(there)} is closed to you. {ELSEWHERE}")


def refuse_other(folder: Path, same: Callable[[dict[str, Any]], bool]) -> None:
    """Raises UserError where the folder holds anything but an audit that is the `same`."""
    own_folder.check(folder)
    try:
        if not folder.is_dir() or not any(folder.iterdir()):
            return
    except OSError as error:
        raise UserError(f"{printable(folder)} cannot be read: {error.strerror}. {ELSEWHERE}") from error
    kept = read_json(folder / JSON)
    if kept is None:
        raise UserError(f"{printable(folder)} holds no audit: choose another folder by --out FOLDER, or empty it.")
    if not same(kept):
        raise UserError(
            f"{printable(folder)} holds another audit, which is not written over: choose another folder by --out "
            "FOLDER, or remove it."
        )


def asked(kept: dict[str, Any]) -> Any:
    """What was asked of an audit: the files and the command where there were any, else all that came out."""
    if not kept.get("digests"):
        return kept
    return [kept.get(name) for name in ("digests", "asked", "truth", "seed", "quick", "effort")]

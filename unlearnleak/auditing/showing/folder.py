"""The folder of one audit: audit.json, audit.html and audit.pdf. Another audit's is never written over."""

import json
from pathlib import Path
from typing import Any

from unlearnleak.auditing.result import Answer
from unlearnleak.auditing.showing.page import page
from unlearnleak.auditing.showing.pdf import pdf
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.report import own_folder

JSON = "audit.json"


def write(result: Answer, folder: Path) -> list[Path]:
    """Write the three files and return their paths.

    Raises:
        UserError: another audit lies there, the folder is a link, or it cannot be written.
    """
    check(folder)
    refuse_other(folder, result)
    files = {
        JSON: result.to_json().encode(),
        "audit.html": page(result).encode(),
        "audit.pdf": pdf(result),
    }
    own_folder.write_all(folder, files)
    return [folder / name for name in files]


def check(folder: Path) -> None:
    """Raises UserError where the folder is none to write into; known beforehand, nobody waits in vain."""
    own_folder.check(folder)
    if folder.is_dir() and any(folder.iterdir()) and kept_in(folder) is None:
        raise UserError(f"{printable(folder)} holds no audit: choose another folder by --out FOLDER, or empty it.")


def kept_in(folder: Path) -> dict[str, Any] | None:
    """The answer that a folder holds; None where there is none."""
    try:
        found = json.loads((folder / JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def refuse_other(folder: Path, result: Answer) -> None:
    """Raises UserError where the folder holds anything but an audit of the same model, images and settings."""
    found = kept_in(folder)
    if found is None:
        return
    if asked(found) != asked(result.as_dict()):
        raise UserError(
            f"{printable(folder)} holds another audit, which is not written over: choose another folder by --out "
            "FOLDER, or remove it."
        )


def asked(kept: dict[str, Any]) -> Any:
    """What was asked of an audit: the files where there were any, else all that came out."""
    if not kept.get("digests"):
        return kept
    understood = kept.get("understood") or {}
    settings = [kept.get(name) for name in ("digests", "truth", "seed", "quick", "effort")]
    return [*settings, *(understood.get(name) for name in ("head", "mean", "std", "num_classes"))]

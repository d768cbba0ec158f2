"""What killed processes left among runs, told by the names that only this project gives; no link is followed."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from unlearnleak.errors import UserError
from unlearnleak.runs.place import is_run
from unlearnleak.store import Store
from unlearnleak.store.cleaning import is_file, opened
from unlearnleak.store.temporary import is_leftover

HALF_WRITTEN = re.compile(r"\.[^@]+\.(json|yaml)@.+\.tmp")


def why_no_store(folder: Path) -> str:
    """Why a folder is not to be cleaned as a store, for people; "" for a store."""
    if Store(folder).is_made():
        return ""
    what = "it holds nothing that a store makes" if folder.exists() else "there is no such folder"
    return f"{folder} is no store: {what}. Name the folder that `store` names, with --store FOLDER."


def why_no_runs(folder: Path) -> str:
    """Why a folder is not to be cleaned as one of runs, for people; "" where a run is in it."""
    if any(is_told(Path(place), files) for place, _, files in os.walk(folder)):
        return ""
    what = "no run is in it" if folder.exists() else "there is no such folder"
    return f"{folder} is no folder of runs: {what}. Name the folder that `runs` names, with --runs FOLDER."


def is_told(folder: Path, files: list[str]) -> bool:
    """Whether a run lies in a folder with these files, or was to lie there."""
    return is_run(folder) or any(HALF_WRITTEN.fullmatch(name) and is_leftover(folder / name) for name in files)


def clean_store(root: Path, tell: Callable[[Path], None]) -> None:
    """Remove what killed processes left in a store; tells each.

    Raises:
        UserError: something cannot be removed.
    """
    Store(root).clean(tell)


def clean_runs(runs: Path, tell: Callable[[Path], None]) -> None:
    """Remove half-written files of killed processes below `runs`; tells each.

    Raises:
        UserError: something cannot be removed.
    """
    try:
        remove_leftovers(runs, tell)
    except OSError as error:
        raise UserError(f"{runs} cannot be cleaned ({error}): mend the permissions.") from error


def remove_leftovers(runs: Path, tell: Callable[[Path], None]) -> None:
    """Remove half-written files of killed processes below `runs`."""
    with opened(runs, links=True) as top:
        if top is None:
            return
        for place, _, files, folder in os.fwalk(".", dir_fd=top):
            for name in sorted(name for name in files if HALF_WRITTEN.fullmatch(name)):
                path = runs / place / name
                with suppress(FileNotFoundError):  # its owner, or another cleaner, was quicker
                    if is_leftover(path) and is_file(folder, name):
                        os.unlink(name, dir_fd=folder)
                        tell(path)

"""One launch of a sweep: the folder that it keeps beside its runs, and how the processes that it starts find it."""

import os
from pathlib import Path

VARIABLE = "UNLEARNLEAK_LAUNCH"
"""The environment variable that names the launch's folder to the processes of its launcher."""
LAUNCHES, STAGE_JOBS = ".launches", ".stages"
"""Folders within a sweep's: one folder per launch; one per stage that a launch computes."""
STOP = "stop"
"""The file in a launch's folder that tells jobs not to begin, and why."""


class JobDied(RuntimeError):
    """A job's process ended without a word of its own: what its launcher knows about it."""


def launch_folder() -> Path | None:
    """The folder of the launch that this process belongs to; None outside a sweep."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def request_stop(why: str) -> None:
    """Let no further job of this launch begin; does nothing outside a sweep."""
    folder = launch_folder()
    if folder is not None:
        (folder / STOP).write_text(why)


def stop_requested() -> str | None:
    """Why no further job may begin, or None."""
    folder = launch_folder()
    try:
        return (folder / STOP).read_text() or "stopped" if folder else None
    except FileNotFoundError:
        return None

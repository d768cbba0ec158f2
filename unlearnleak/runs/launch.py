"""One launch of a sweep: the folder that it keeps beside its runs, and how the processes that it starts find it."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearnleak.machine.process import LAUNCH as VARIABLE
from unlearnleak.machine.process import began, host
from unlearnleak.runs.status import read_json, write_json

LAUNCHES, STAGE_JOBS = ".launches", ".stages"
"""Folders within a sweep's: one folder per launch; one per stage that a launch computes."""
STOP = "stop"
"""The file in a launch's folder that tells jobs not to begin, and why."""
LAST = ".last_launch"
"""The file in a sweep's folder that names its last launch."""
PLAN = "plan.json"
"""The file in a launch's folder that says what it is to do, and in the end what came of it."""


class JobDied(RuntimeError):
    """A job's process ended and left no reason: what its launcher knows about it."""


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


@contextmanager
def launched(sweep_dir: Path, plan: dict[str, Any]) -> Iterator[Path]:
    """The folder of a new launch, which the processes that are started meanwhile find; `plan` is kept in it.

    Whoever uses it may set `plan["outcome"]` before the end.
    """
    words = (time.strftime("%Y%m%d-%H%M%S"), host().split("+")[0], os.getpid(), uuid.uuid4().hex[:6])
    folder = (sweep_dir / LAUNCHES / "-".join(map(str, words))).absolute()
    own = {
        "time": time.time(),
        "host": host(),
        "pid": os.getpid(),
        "began": began(os.getpid()),
        "outcome": "interrupted",
    }
    plan |= own
    write_json(folder / PLAN, plan)
    (sweep_dir / LAST).write_text(folder.name)
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        os.environ.pop(VARIABLE, None)
        write_json(folder / PLAN, (read_json(folder / PLAN) or {}) | {"ended": time.time(), "outcome": plan["outcome"]})

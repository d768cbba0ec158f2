"""Temporaries: where an artifact is written before it is published, named so that a dead owner's can be told.

One exists for the seconds of the writing only, never while a stage computes. Its name holds the host, the
process number, when that process began, and a random part.
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlearnleak.machine.process import began, host, is_alive

_NAME = re.compile(r"\.[^@]+@(?P<host>[^@\x00-\x20\x7f]+)@(?P<pid>\d{1,9})@(?P<began>\d+)@[0-9a-f]{16}\.tmp")
_STALE_SECONDS = 24 * 3600  # far longer than any writing: the age at which another host's temporary is dead


@contextmanager
def temporary(place: Path) -> Iterator[Path]:
    """A new folder beside `place`; what is left of it at the end is removed, as far as the disk lets us."""
    folder = name_beside(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir()
        yield folder
    finally:
        # Errors are ignored: one that matters is on its way already, `Store.clean` comes back for the rest.
        shutil.rmtree(folder, ignore_errors=True)


def name_beside(place: Path) -> Path:
    """A name that no other call of any process returns, in the folder of `place`."""
    pid = os.getpid()
    return place.with_name(f".{place.name}@{host()}@{pid}@{began(pid)}@{secrets.token_hex(8)}.tmp")


def is_leftover(path: Path) -> bool:
    """Whether `path` is a temporary whose owner is dead, or lives elsewhere and has not touched it for a day.

    Raises:
        FileNotFoundError: it went away meanwhile.
    """
    name = _NAME.fullmatch(path.name)
    if name is None:
        return False
    if name["host"] != host():
        return time.time() - path.lstat().st_mtime > _STALE_SECONDS
    return not is_alive(int(name["pid"]), int(name["began"]))

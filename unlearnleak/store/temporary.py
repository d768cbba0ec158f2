"""Temporaries: where an artifact is written before it is published, named so that a dead owner's can be told.

One exists for the seconds of the writing only, never while a stage computes. Its name holds the host, the
process number, when that process began (numbers come again, in containers all the time), and a random part.
"""

import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"\.[0-9a-f]+@(?P<host>.+)@(?P<pid>\d{1,9})@(?P<began>\d+)@[0-9a-f]+\.tmp")
_STALE_SECONDS = 24 * 3600  # far longer than any writing: the age at which another host's temporary is dead
_UNKNOWN = 0


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
    return place.with_name(f".{place.name}@{_host()}@{pid}@{_began(pid)}@{secrets.token_hex(8)}.tmp")


def is_leftover(path: Path) -> bool:
    """Whether `path` is a temporary whose owner is dead, or lives elsewhere and has not touched it for a day.

    Raises:
        FileNotFoundError: it went away meanwhile.
    """
    name = _NAME.fullmatch(path.name)
    if name is None:
        return False
    if name["host"] != _host():
        return time.time() - path.stat().st_mtime > _STALE_SECONDS
    return not _is_alive(int(name["pid"]), int(name["began"]))


def _host() -> str:
    """This machine and, on Linux, its space of process numbers: a container's 7 is not the host's 7."""
    try:
        return f"{socket.gethostname()}+{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def _is_alive(pid: int, began: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and somebody else's
    return _began(pid) in {began, _UNKNOWN}


def _began(pid: int) -> int:
    """When process `pid` began, in clock ticks since boot; -1 for one that is dead but not yet waited for."""
    try:
        # Fields: man 5 proc_pid_stat. The second, the program's name in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return _UNKNOWN
    return -1 if fields[0] in {b"Z", b"X"} else int(fields[19])

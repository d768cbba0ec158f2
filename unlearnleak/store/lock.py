"""Locks, which only save double work: two processes that both compute an artifact still publish it once.

A lock is a file in a folder of its own. Its holder deletes it before letting go, so that they do not pile
up. It is safe: filelock (3.30 and later) looks at the file's link count when it has the lock, and tries again
if the file was deleted meanwhile.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock

log = logging.getLogger("unlearnleak.store")


class Busy(Exception):
    """Another process holds the lock, and the caller would rather not wait."""


@contextmanager
def held(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock at `path`, after waiting for its holder; go on without it where it cannot be had.

    Raises:
        Busy: it is held elsewhere, and `wait` is false.
    """
    lock = _acquire(path, wait)
    try:
        yield
    finally:
        if lock is not None:
            _let_go(lock, path)


def is_held(path: Path) -> bool:
    """Whether another process, or another thread, holds the lock at `path` now.

    What is no lock, such as a folder of that name, is held by nobody: `held` goes on without it.
    """
    if not path.exists():
        return False
    from filelock import Timeout  # noqa: PLC0415

    lock = _lock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:
        return False
    _let_go(lock, path)
    return False


def _acquire(path: Path, wait: bool) -> "FileLock | None":
    from filelock import Timeout  # noqa: PLC0415

    lock = _lock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if not wait:
                raise Busy(f"another process computes {path.stem}") from None
            log.info("another process computes %s: waiting for it", path.stem)
            lock.acquire()
    except OSError as error:
        log.info("no lock for %s (%s): another process may compute the same meanwhile", path.stem, error)
        _delete(path)
        return None
    return lock


def _lock(path: Path) -> "FileLock":
    from filelock import FileLock  # noqa: PLC0415  # imported by those who compute only

    # No "soft" locks where the file system has no real ones: those of a killed process would stay locked.
    return FileLock(path, fallback_to_soft=False)


def _let_go(lock: "FileLock", path: Path) -> None:
    _delete(path)
    lock.release()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.info("the lock file %s stays: %s", path, error)

"""What a file holds: its digest, for keys, and its bytes, from which a data set is read."""

import hashlib
import os
import stat
import time
from pathlib import Path

from unlearnleak.data.archive import amount
from unlearnleak.errors import UserError

SETTLED_SECONDS = 3.0
"""The coarsest clock of a common file system ticks every two seconds: within a tick, a change shows in no time."""
_known: dict[tuple[str, tuple[int, ...]], str] = {}


def digest(path: Path, algorithm: str = "sha256") -> str:
    """The file's digest in hexadecimal, found anew unless the file is the one that was read before.

    That is told by its place, size and times; the time of change (ctime) cannot be set back, and a file that has just
    been changed is not remembered.

    Raises:
        UserError: the file is written to while it is read, or is larger than the free memory.
        OSError: it cannot be read, or is no regular file.
    """
    check_regular(path)
    with path.open("rb") as file:
        seen, now = identity(file.fileno()), time.time()
        if found := _known.get((algorithm, seen)):
            return found
        check_size(path, file.fileno())
        found = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
        if identity(file.fileno()) != seen:
            raise UserError(f"{path} is being written to while it is read. Run again when it is complete.")
    if now - max(seen[-2:]) / 1e9 > SETTLED_SECONDS:
        _known[algorithm, seen] = found
    return found


def digest_of_folder(folder: Path) -> str:
    """The digest of a file, or of all files in a folder and below, with their names, in hexadecimal.

    Raises:
        UserError, OSError: as `digest` does; what is no regular file, such as a link, is refused.
    """
    if not folder.is_dir():
        return digest(folder)
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            whole.update(f"{path.relative_to(folder).as_posix()}\0{digest(path)}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def read_whole(path: Path) -> bytes:
    """The file's bytes, in memory once: whoever takes their digest has that of what it goes on to use.

    Raises:
        UserError: there is not so much memory.
        OSError: it cannot be read, or is no regular file.
    """
    check_regular(path)
    with path.open("rb") as file:
        check_size(path, file.fileno())
        return file.read()


def check_size(path: Path, descriptor: int) -> None:
    """Raises UserError for an open file that memory cannot take, before hours are spent on reading it."""
    from unlearnleak.machine.memory import free_memory  # noqa: PLC0415  (what a sweep's workers are counted by)

    size, free = os.fstat(descriptor).st_size, free_memory()
    if free is not None and size > free:
        raise UserError(f"{path} has {amount(size)}, and {amount(free)} of memory are free. Images are held in memory.")


def check_regular(path: Path) -> None:
    """Raises OSError for what would be waited for without end, such as a pipe."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # of a folder, the system says so itself
        raise OSError(0, "it is no regular file")


def identity(descriptor: int) -> tuple[int, ...]:
    """What tells an open file's content from any other: device, inode, size, times of modification and of change."""
    seen = os.fstat(descriptor)
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns

"""Each run's own files: status.json while it goes on and after, result.json once it is done.

A status is what the job itself says: running, done, failed or skipped (with why), or waiting (another process has in
hand what it needs; its sweep comes back to it). A sweep says "queued" before it launches a job. Several sweeps may
share a run's folder: `launch` says whose word it is, and is missing outside a sweep.

Both are replaced whole, so that a reader at any moment finds a complete file or none.
"""

import errno
import hashlib
import itertools
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from unlearnleak.machine.process import UNKNOWN, began, host, is_alive, launch
from unlearnleak.machine.secrets import without_secrets
from unlearnleak.store.temporary import name_beside

log = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
SILENT_SECONDS = 600.0  # a job on another host that has not touched its status for so long is dead
MOST_PIDS = 2**31
LATEST = 253_402_300_800  # the end of the year 9999 in seconds since 1970: a time beyond is none
DIGEST = "digest"
MOST_BYTES = 2**24  # of a thousand classes a result has some hundred thousand; a reader takes many times that
NOTHING_THERE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EACCES}
STATUS, RESULT, LOG = "status.json", "result.json", "run.log"


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON file beside its place and rename it into it; a folder that lies there is set aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(without_secrets(value), indent=1, allow_nan=False)
    temporary = name_beside(path)  # with the permissions that the user's umask gives
    try:
        temporary.write_text(text + "\n")
        if path.is_dir() and not path.is_symlink():
            log.warning("%s is a folder, where a file belongs: it is now %s", path, set_aside(path))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def set_aside(path: Path) -> Path:
    """Rename what is in the way to the first free NAME.1, NAME.2 and so on; returns its new place."""
    free = next(
        place for number in itertools.count(1) if not os.path.lexists(place := path.with_name(f"{path.name}.{number}"))
    )
    return path.rename(free)


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's content, or None where there is none, or it is not whole or cannot be what was written here."""
    try:
        # Looked at before it is opened: a pipe would keep us waiting, a device has no end.
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > MOST_BYTES:
            return None
        with path.open("rb") as file:
            content = file.read(seen.st_size + 1)
            if len(content) > seen.st_size:  # it grew meanwhile
                content += file.read(MOST_BYTES + 1 - len(content))
        if len(content) > MOST_BYTES:
            return None
        value = json.loads(content.decode())
    except (ValueError, RecursionError):  # no JSON, no text, a number of too many digits, too deep
        return None
    except OSError as error:
        if error.errno not in NOTHING_THERE:
            raise
        return None
    return value if isinstance(value, dict) else None


def write_result(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Write a result with its digest, which tells `read_result` of alterations; returns what was written."""
    sealed: dict[str, Any] = without_secrets({key: value for key, value in result.items() if key != DIGEST})
    sealed[DIGEST] = digest_of(sealed)
    write_json(path, sealed)
    return sealed


def read_result(path: Path) -> dict[str, Any] | None:
    """The result, or None where there is none, or it is not whole, or not as it was written."""
    result = read_json(path)
    return result if result is not None and result.get(DIGEST) == digest_of(result) else None


def digest_of(result: dict[str, Any]) -> str:
    """What tells one result from another: 16 hexadecimal digits of the SHA-256 of its content as JSON."""
    content = {key: value for key, value in result.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def mark(directory: Path, status: str, **more: Any) -> None:
    """Say how the run in `directory` stands: running, done, failed, skipped or waiting."""
    pid = os.getpid()
    entry = {"status": status, "time": time.time(), "host": host(), "pid": pid, "began": began(pid), **more}
    write_json(directory / STATUS, entry | ({"launch": name} if (name := launch()) else {}))


def mark_quietly(directory: Path, status: str, **more: Any) -> None:
    """`mark`, unless a living process of another launch is at this run: its "running" says more."""
    entry = read_status(directory) or {}
    if entry.get("status") != "running" or entry.get("launch") == launch():
        mark(directory, status, **more)


@contextmanager
def running(directory: Path, **more: Any) -> Iterator[None]:
    """Mark a run as running, and touch its status file now and then, so that other hosts see it live."""
    mark(directory, "running", **more)
    end = threading.Event()

    def beat() -> None:
        while not end.wait(BEAT_SECONDS):
            with suppress(OSError):  # a full disk does not end a job that lives
                os.utime(directory / STATUS)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def read_status(directory: Path) -> dict[str, Any] | None:
    """How the run in `directory` stands; None where nothing is said. What a dead process left "running" has failed."""
    path = directory / STATUS
    entry = read_json(path)
    if entry is None or not isinstance(entry.get("status"), str):
        return {"status": "failed", "why": f"{STATUS} is not whole"} if path.exists() else None
    if entry["status"] == "running" and (why := dead(entry, path)):
        later = read_json(path)  # it may have ended in an orderly way between the two looks
        return entry | {"status": "failed", "why": why} if later == entry else later
    return entry


def dead(entry: dict[str, Any], path: Path) -> str | None:
    """Why the process that wrote a status must be dead, or None."""
    pid, start = entry.get("pid"), entry.get("began", UNKNOWN)
    if entry.get("host") == host() and isinstance(pid, int) and isinstance(start, int) and 0 < pid < MOST_PIDS:
        return None if is_alive(pid, start) else f"its process {pid} is gone: killed, perhaps for want of memory"
    try:
        silent = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    name = str(entry.get("host", "?")).split("+")[0]
    return f"no sign of life from {name} for {silent / 60:.0f} minutes" if silent > SILENT_SECONDS else None

"""Temporary folders of the pool's processes: a short one for sockets, and one per worker that goes when it ends.

W&B, for one, leaves folders in the system's temporary folder for every process that does not end by itself, as workers
do not.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import util
from pathlib import Path

from unlearnleak.errors import UserError
from unlearnleak.machine.process import began, host, is_alive
from unlearnleak.runs.status import read_json, write_json

SHORT = ("/tmp", "/var/tmp", "/dev/shm")
ROOM = 70
"""Bytes that a socket's folder may take: a socket's whole path has 104 (macOS) to 108, and multiprocessing adds 32."""
PREFIX, OWNER = "unlearnleak-", "owner.json"


def make_socket_folder() -> None:
    """See that multiprocessing's own folder, which is private and goes at the end, has room for a socket's path.

    Raises:
        UserError: there is no such place.
    """
    with suppress(OSError):
        if short_enough(tempfile.gettempdir()):
            return
    before = tempfile.tempdir
    places = [place for place in (os.environ.get("XDG_RUNTIME_DIR"), *SHORT) if place and short_enough(place)]
    try:
        for place in places:
            tempfile.tempdir = place
            with suppress(OSError):
                util.get_temp_dir()  # made once for the process and all that it starts
                return
    finally:
        tempfile.tempdir = before
    raise UserError(
        f"There is no place for the workers' sockets, whose paths must be short: none of {', '.join(places)} can be "
        f"written. Set TMPDIR to a folder of at most {ROOM} bytes, or use hydra/launcher=slurm."
    )


def short_enough(folder: str) -> bool:
    """Whether a socket's path fits into `folder`."""
    return len(os.fsencode(folder)) <= ROOM


def worker_folder() -> Path:
    """A new private folder for what a worker's libraries keep for a while; those of killed launchers are removed.

    Its name is short, as W&B's service has its socket there.
    """
    place, pid = tempfile.gettempdir(), os.getpid()
    for path in leftovers(Path(place)):
        remove(path)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    write_json(folder / OWNER, {"host": host(), "pid": pid, "began": began(pid)})
    return folder


def leftovers(place: Path) -> Iterator[Path]:
    """The workers' folders in `place` whose launchers were processes of this user and host that are gone."""
    for path in place.glob(f"{PREFIX}*"):
        with suppress(OSError, KeyError, TypeError):
            if path.lstat().st_uid == os.geteuid() and not path.is_symlink():
                owner = read_json(path / OWNER) or {}
                if owner["host"] == host() and not is_alive(owner["pid"], owner["began"]):
                    yield path


def remove(folder: Path) -> None:
    """Remove a worker's folder, as far as the disk lets us."""
    shutil.rmtree(folder, ignore_errors=True)


def keep_temporaries_in(folder: Path) -> None:
    """From now on, this process and what it starts have their temporary files in `folder`."""
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)

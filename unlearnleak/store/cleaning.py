"""Cleaning a store: what killed processes left in it goes, told by the names that only the store gives.

No link is followed below the store's own folder, also none that takes a folder's place while we look: folders are
opened one inside the other, and what is removed is named within an open one.
"""

import errno
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unlearnleak.store.artifact import MANIFEST
from unlearnleak.store.key import KEY_DIGITS
from unlearnleak.store.lock import is_held
from unlearnleak.store.temporary import is_leftover

LOCKS = ".locks"  # no stage can be called so
CHECKPOINTS = ".checkpoints"  # of trainings that go on; see `unlearnleak.training.checkpoint`
STAGE = re.compile(r"[a-z][a-z0-9_]*")
KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")
TRAINING = re.compile(rf"({KEY.pattern})((?:-\d+)*)")  # "-1-2" and such where a stage has several trainings
TEMPORARY = re.compile(rf"\.{TRAINING.pattern}@.+\.tmp")
LOCK = re.compile(rf"({STAGE.pattern})-{KEY.pattern}\.lock")
CHECKPOINT = re.compile(r"[0-9a-f]{64}\.(ckpt|unusable)")
ABANDONED_SECONDS = 7 * 24 * 3600

_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


def is_store(root: Path) -> bool:
    """Whether a folder is told as a store by what it holds: an artifact, or else what only a store makes.

    Raises:
        OSError: it cannot be read.
    """
    with opened(root, links=True) as top:
        if top is None:
            return False
        for stage in named(top, STAGE):
            with opened(stage, inside=top, links=True) as folder:
                if any(os.path.lexists(root / stage / key / MANIFEST) for key in named(folder, KEY)):
                    return True
                if named(folder, TEMPORARY):
                    return True
        with opened(LOCKS, inside=top) as folder:
            # A store in which nothing was published yet has an empty one.
            return folder is not None and all(LOCK.fullmatch(name) for name in listed(folder))


def leftovers(root: Path) -> Iterator[Path]:
    """Remove, one by one, the temporaries, locks and useless checkpoints that killed processes left; tells each.

    Raises:
        OSError: one cannot be removed.
    """
    with opened(root, links=True) as top:
        for stage in named(top, STAGE):
            with opened(stage, inside=top) as folder:
                yield from removed(folder, TEMPORARY, root / stage, temporary)
        with opened(CHECKPOINTS, inside=top) as kept:
            for stage in named(kept, STAGE):
                with opened(stage, inside=kept) as folder:
                    place = root / CHECKPOINTS / stage
                    yield from removed(folder, TEMPORARY, place, temporary)
                    yield from removed(folder, TRAINING, place, useless_checkpoints)
        with opened(LOCKS, inside=top) as folder:
            yield from removed(folder, LOCK, root / LOCKS, unheld_lock)


@contextmanager
def opened(path: Path | str, *, inside: int | None = None, links: bool = False) -> Iterator[int | None]:
    """A descriptor of the folder at `path`, which may be a name `inside` an open one; None where it is no folder.

    A link is none, unless `links`.
    """
    descriptor = None
    if isinstance(path, Path) or inside is not None:
        flags = os.O_RDONLY | os.O_DIRECTORY | (0 if links else os.O_NOFOLLOW)
        try:
            descriptor = os.open(path, flags, dir_fd=inside)
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                raise
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def named(folder: int | None, pattern: re.Pattern[str]) -> list[str]:
    """The names of this form in an open folder, sorted; none in None."""
    return [] if folder is None else sorted(name for name in listed(folder) if pattern.fullmatch(name))


def listed(folder: int) -> list[str]:
    """All names in an open folder."""
    return os.listdir(folder)


def removed(
    folder: int | None, pattern: re.Pattern[str], place: Path, remove: Callable[[int, Path], bool]
) -> Iterator[Path]:
    """What is named so in an open folder, which lies at `place`, and what `remove` then took away."""
    for name in named(folder, pattern):
        assert folder is not None
        with suppress(FileNotFoundError):  # its owner, or another cleaner, was quicker
            if remove(folder, place / name):
                yield place / name


def temporary(folder: int, path: Path) -> bool:
    """Remove a dead process's temporary, whatever it is."""
    if not is_leftover(path):
        return False
    if stat.S_ISDIR(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
        shutil.rmtree(path.name, dir_fd=folder)  # which follows no link
    else:
        os.unlink(path.name, dir_fd=folder)
    return True


def useless_checkpoints(folder: int, path: Path) -> bool:
    """Remove the checkpoints of a training that is published, or was given up; never a folder that holds more."""
    with opened(path.name, inside=folder) as own:
        if own is None or not is_useless(path, os.fstat(own).st_mtime):
            return False
        names = listed(own)
        if not all(CHECKPOINT.fullmatch(name) and is_file(own, name) for name in names):
            return False
        for name in names:
            os.unlink(name, dir_fd=own)
    os.rmdir(path.name, dir_fd=folder)
    return True


def is_file(folder: int, name: str) -> bool:
    """Whether that name in an open folder is a file, and no link to one."""
    return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def is_useless(checkpoints: Path, written: float) -> bool:
    """Whether the training that these checkpoints belong to is published, or was given up a week ago."""
    stage, root = checkpoints.parent.name, checkpoints.parents[2]
    key = checkpoints.name.partition("-")[0]
    if (root / stage / key).is_dir():
        return True
    return time.time() - written > ABANDONED_SECONDS and not is_held(root / LOCKS / f"{stage}-{key}.lock")


def unheld_lock(folder: int, path: Path) -> bool:
    """Remove a lock file that nobody holds: an empty one, as ours are."""
    try:
        descriptor = os.open(path.name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        return False  # no file, or somebody else's
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held, there = os.fstat(descriptor), os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(held.st_mode) or held.st_size or held.st_ino != there.st_ino:
            return False
        os.unlink(path.name, dir_fd=folder)  # before letting go, as its holder would
    except FileNotFoundError:
        raise
    except OSError:
        return False  # in use, or the file system has no locks
    finally:
        os.close(descriptor)
    return True

"""Bytes on the disk: read, written for good, moved into place; and what to tell people when it refuses."""

import errno
import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from unlearnleak.errors import UserError
from unlearnleak.machine.memory import free_memory
from unlearnleak.store.artifact import MANIFEST, DamageError, sizes

# Reading a file of an artifact fails so when the artifact is at fault. Any other error (too many open files,
# no permission) says nothing about the artifact, which must not be thrown away for it.
_FAULTS_OF_THE_ARTIFACT = {errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.EIO, errno.ESTALE}
_MOST_OF_A_MANIFEST = 2**16  # bytes; ours has some four hundred
_LARGE = 2**28  # bytes: to ask how much memory is free takes longer than to read less
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}
_WAY_OUT = "choose another folder with store=PATH. What was published stays: the same command goes on from there."


def read_files(folder: Path, names: Collection[str] | None = None) -> dict[str, bytes]:
    """The four files of the artifact in `folder`, none of them larger than its manifest says.

    Args:
        folder: the artifact's.
        names: which of them are read, beside the manifest; None for all.

    Raises:
        DamageError: one is missing, unreadable, or no file.
        FileNotFoundError: there is no such folder.
        UserError: there is no memory for them.
    """
    try:
        found = folder.stat()
    except OSError as error:
        if error.errno not in _FAULTS_OF_THE_ARTIFACT or not folder.is_symlink():
            raise
        raise DamageError(f"it is a link that leads nowhere: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise DamageError("it is not a folder")
    manifest = _read(folder / MANIFEST)
    wanted = {name: size for name, size in sizes(manifest).items() if names is None or name in names}
    if sum(wanted.values()) > _LARGE:
        _check_memory(folder, wanted)
    return {MANIFEST: manifest} | {name: _read(folder / name, size) for name, size in wanted.items()}


def _check_memory(folder: Path, wanted: Mapping[str, int]) -> None:
    """Raises UserError where files that have these sizes would not fit into memory, as bytes and as tensors."""
    for name, size in wanted.items():
        _look(folder / name, size)
    size, free = sum(wanted.values()), free_memory()
    if free is not None and 2 * size > free:
        raise UserError(
            f"{folder} has {size:,} bytes, which are read and unpacked, and {free:,} bytes of memory are free. Take a "
            "larger machine; or remove it, and the same command computes it again."
        )


def _read(path: Path, size: int | None = None) -> bytes:
    """A file's bytes, after `_look`."""
    _look(path, size)
    with _blamed(path):
        return path.read_bytes()


def _look(path: Path, size: int | None) -> None:
    """Hold a file against its size before it is opened: a pipe would keep us waiting, a device has no end."""
    with _blamed(path):
        seen = path.stat()
    if not stat.S_ISREG(seen.st_mode):
        raise DamageError(f"{path.name} cannot be read: it is no file")
    if size is None and seen.st_size > _MOST_OF_A_MANIFEST:
        raise DamageError(f"{path.name} is not what was written: it has {seen.st_size} bytes")
    if size is not None and seen.st_size != size:
        raise DamageError(f"{path.name} is not what was written: it has {seen.st_size} bytes, it had {size}")


@contextmanager
def _blamed(path: Path) -> Iterator[None]:
    """Raises DamageError in the place of an OSError that is the artifact's fault."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FAULTS_OF_THE_ARTIFACT:
            raise
        raise DamageError(f"{path.name} cannot be read: {error.strerror}") from error


def identity(path: Path) -> tuple[int, int]:
    """Tells a folder (or a link, or whatever bears its name) from a later one of that name.

    Time counts too: inode numbers are given out again.
    """
    status = path.lstat()
    return status.st_ino, status.st_mtime_ns


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into `folder` and wait until the disk holds them, so that no rename overtakes them."""
    for name, content in files.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync_folder(folder)


def move(folder: Path, place: Path) -> bool:
    """Rename `folder` to `place` in one step; False where something lies there already."""
    try:
        folder.rename(place)
    except OSError:
        if not os.path.lexists(place):
            raise
        return False
    _sync_folder(place.parent)
    return True


def remove(path: Path) -> None:
    """Remove a folder or a file; no error where another process was quicker."""
    with suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn an OSError into a UserError that names the folder and the way out. Never wrap a computation."""
    try:
        yield
    except OSError as error:
        raise UserError(_advice(root, error)) from error


def _advice(root: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"No room for artifacts in {root} ({error.strerror}): free some space there, or {_WAY_OUT}"
    if error.errno in _FORBIDDEN:
        return f"No access to the artifacts in {root} ({error}): mend the permissions, or {_WAY_OUT}"
    if error.errno in _NOT_A_FOLDER:
        return f"Artifacts cannot be kept in {root} ({error}): move that file away, or {_WAY_OUT}"
    return f"The artifact folder {root} failed ({error}): look at its disk, or {_WAY_OUT}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync folders; the rename is as safe there as they make it.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)

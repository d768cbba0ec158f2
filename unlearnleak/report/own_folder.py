"""A folder of files that belong together, written without following any link.

What lies there already may be somebody else's: a link where a file or a folder should be would lead what is written to
a place that nobody named. Every file is written beside its place and renamed into it, which takes a link's (or a hard
link's) name away and leaves alone what it led to; a folder that is a link is refused.
"""

import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.store.whole_file import replace

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
ELSEWHERE = "Choose another folder by --out FOLDER."


def check(folder: Path, inner: Iterable[str] = ()) -> None:
    """Raises UserError where the folder, or one of those named within it, is there and is a link or no folder.

    `write_all` sees this too; known beforehand, nobody waits for what cannot be written.
    """
    for path in (folder, *(folder / name for name in inner)):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise UserError(refusal(path))


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, by their names in `folder`, such as "index.html" and "tables/runs.csv", in this order.

    Raises:
        UserError: the folder, or one within it, is a link or no folder, or cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            whole = opened(folder, folder, None, stack)
            parents = dict.fromkeys(PurePosixPath(name).parent.name for name in files)
            inner = {name: opened(name, folder / name, whole, stack) if name else whole for name in parents}
            for name, content in files.items():
                replace(PurePosixPath(name).name, content, inner[PurePosixPath(name).parent.name])
    except OSError as error:
        raise UserError(f"{printable(folder)} cannot be written: {printable(error)}. {ELSEWHERE}") from error


def opened(name: Path | str, path: Path, above: int | None, stack: ExitStack) -> int:
    """The descriptor of the folder `name` in the folder `above`; made where there is none, and removed again if nothing
    comes to lie in it. `path` is for people.
    """

    def remove(error: object, *_: object) -> None:
        if error is not None:
            with suppress(OSError):
                os.rmdir(name, dir_fd=above)

    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=above)  # pathlib knows no descriptors
        stack.push(remove)
    try:
        descriptor = os.open(name, FOLDER, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise UserError(refusal(path)) from error
        raise
    stack.callback(os.close, descriptor)
    return descriptor


def refusal(path: Path) -> str:
    """Why a folder is none to write into."""
    if not path.is_symlink():
        return f"{printable(path)} is no folder. {ELSEWHERE}"
    where = printable(path.readlink())
    return f"{printable(path)} is a link to {where}, and no link is followed: remove it. {ELSEWHERE}"

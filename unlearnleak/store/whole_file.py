"""Files are written beside their places and renamed into them.

Whoever reads one meanwhile sees a whole one, and no link leads what is written elsewhere.
"""

import os
from contextlib import suppress
from pathlib import Path

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.store.temporary import name_beside

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(name: str, content: bytes, folder: int) -> None:
    """Write the file `name` in the folder with the descriptor `folder`. The name of a link becomes the file's."""
    temporary = name_beside(Path(name)).name
    try:
        with os.fdopen(os.open(temporary, NEW_FILE, 0o666, dir_fd=folder), "wb") as file:
            file.write(content)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def write_file(path: Path, content: bytes, setting: str) -> None:
    """Write the file that somebody named by `setting`, such as "--out"; what else has its name already is refused.

    Raises:
        UserError: a link or what is no file lies there, or it cannot be written.
    """
    if path.is_symlink():
        where = printable(path.readlink())
        raise UserError(
            f"{setting}={printable(path)} is a link to {where}, and no link is followed: name the file itself."
        )
    if path.exists() and not path.is_file():
        raise UserError(f"{setting}={printable(path)} is no file: name one that is there, or a new one.")
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            replace(path.name, content, folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UserError(f"{setting}={printable(path)} cannot be written: {printable(error)}.") from error

"""Files that somebody names: what cannot be read is said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from unlearnleak.errors import UserError

T = TypeVar("T")


def asked(path: Path, reader: Callable[[], T]) -> T:
    """What `reader` makes of the file at `path`.

    Raises:
        UserError: it cannot be read, or `reader` refuses it.
    """
    try:
        return reader()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}. A relative path starts at the working directory "
            f"{Path.cwd()}."
        ) from error

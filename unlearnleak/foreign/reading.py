"""Files that somebody names: what cannot be read is said in one line."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from unlearnleak.errors import UserError

T = TypeVar("T")


def with_article(noun: str) -> str:
    """The noun behind its article, such as "an int"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


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

"""Arrays of an .npz archive that somebody made, checked by their headers before they are read."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from unlearnleak.data.archive import Archive, amount, named
from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.reading import asked


def read_arrays(
    path: Path, choices: Sequence[Sequence[str]], allowed: str, check: Callable[[dict[str, np.dtype]], None]
) -> dict[str, np.ndarray]:
    """The arrays of the first of `choices` all of whose names are in the archive at `path`.

    Args:
        path: the archive.
        choices: names that belong together.
        allowed: what such an archive is, in a sentence.
        check: is shown the types of the numbers before any is read, and raises UserError for what cannot be used.

    Raises:
        UserError: it cannot be read, has none of the choices, or holds more than memory does.
    """
    archive = Archive(BytesIO(asked(path, lambda: read_whole(path))), str(path), None, allowed)
    names = next((each for each in choices if all(name in archive.members for name in each)), None)
    if names is None:
        raise UserError(f"{path} holds the arrays {named(archive.members)}. {allowed}")
    headers = {name: archive.header(name) for name in names}
    check({name: header.dtype for name, header in headers.items()})
    check_memory(str(path), sum(header.nbytes for header in headers.values()))
    return {name: archive.read(name) for name in names}


def check_memory(where: str, nbytes: int) -> None:
    """Raises UserError where twice as much memory as the arrays take is not free."""
    from unlearnleak.machine.memory import free_memory  # noqa: PLC0415  (what a sweep's workers are counted by)

    free = free_memory()
    if free is not None and 2 * nbytes > free:
        raise UserError(f"{where} holds {amount(nbytes)}; reading it takes twice that, and {amount(free)} are free.")

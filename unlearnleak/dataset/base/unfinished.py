"""A mark beside a download: many classes of torchvision take a folder that was half unpacked for the whole set."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from unlearnleak.errors import UserError

NETWORK = (URLError, HTTPException, ConnectionError, TimeoutError, RuntimeError)
"""Ways for a download to end before anything is unpacked: archives are checked first. RuntimeError is torchvision's."""


class Unfinished:
    """The file in `folder` that is there while the set `name` is downloaded, and stays if that is broken off."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f".{name}.unfinished"

    def exists(self) -> bool:
        """Whether a download goes on, or went on when it was broken off."""
        return self.path.exists()

    def refuse(self, where: str) -> None:
        """Raise `UserError` if a download was broken off; to be called where none goes on, behind the set's lock."""
        if self.exists():
            raise UserError(
                f"{where}: an earlier download did not end, so that what it left may be a part of the set. Delete what "
                f"it left in {self.path.parent.resolve()}, and {self.path.name} there, then run again."
            )

    @contextmanager
    def kept(self, downloads: bool) -> Iterator[None]:
        """Leave the mark while the block downloads, and for good unless it ends well or for want of a network."""
        if not downloads:
            yield
            return
        self.path.touch()
        try:
            yield
        except NETWORK:
            self.path.unlink()
            raise
        self.path.unlink()

"""What the data sets share that torchvision downloads."""

from abc import abstractmethod
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from unlearnleak.dataset.archive import LAYOUT
from unlearnleak.dataset.base import word
from unlearnleak.dataset.file import FileDataset
from unlearnleak.dataset.images import LabeledImages
from unlearnleak.errors import UserError

# torchvision raises RuntimeError for a file that is missing or fails its checksum; URLError is an OSError;
# the rest come from reading files that were cut off.
FAILURES = (OSError, RuntimeError, HTTPException, ValueError, AssertionError, EOFError)


class Downloaded(FileDataset):
    """A data set that torchvision downloads into `root` and verifies, or that is read from `path` instead.

    A new one implements `fetch` and states its `num_classes`, which a file at `path` is then held to.
    """

    num_classes: ClassVar[int]

    @abstractmethod
    def fetch(self, datasets: Any, root: str, *, download: bool) -> tuple[LabeledImages, LabeledImages]:
        """Return (train, test) from the arrays that the classes of `datasets` (torchvision.datasets) hold."""

    def load(self) -> tuple[LabeledImages, LabeledImages]:
        """Return the official (train, test), or those of the file at `path`.

        Raises `UserError` when there is nothing in `root` and the download fails, and for a bad file.
        """
        if self.path is not None:
            return self.load_path(self.num_classes)
        # Outside of the `try`: a torchvision that does not fit its torch fails here, not as a lost network.
        from torchvision import datasets  # noqa: PLC0415  (seconds, and needless with a path)

        stem = word(type(self))
        if self.root is None:
            raise UserError(f"dataset.root=null. Allowed: the folder for the download of {stem}, such as data.")
        root = Path(self.root).expanduser()
        # Complete already, perhaps in a folder that may not be written to. If not, or if a neighbour is still
        # writing, the second attempt waits for the lock and reports what fails.
        with suppress(*FAILURES):
            return self.fetch(datasets, str(root), download=False)
        try:
            root.mkdir(parents=True, exist_ok=True)
            with FileLock(root / f".{stem}.lock"):
                return self.fetch(datasets, str(root), download=True)
        except FAILURES as error:
            cause = " ".join(str(error).split())  # torchvision's message has a line per mirror
            raise UserError(
                f"dataset={stem}: neither found in dataset.root={self.root} ({root.resolve()}) nor "
                f"downloaded: {type(error).__name__}: {cause} Run again with a network (after deleting "
                f"damaged files there), or work offline with dataset.path=FILE.npz: {LAYOUT}; "
                f"here K={self.num_classes}."
            ) from error

"""What the data sets share that torchvision downloads: each has a name that says what its images are."""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

import numpy as np
from filelock import FileLock

from unlearnleak.data.archive import LAYOUT
from unlearnleak.data.arrays import check_headers, check_labels
from unlearnleak.data.content import digest
from unlearnleak.data.images import LabeledImages
from unlearnleak.data.recognition import whose
from unlearnleak.dataset.base import changed, word
from unlearnleak.dataset.base.file import FileDataset
from unlearnleak.errors import UserError

# torchvision raises RuntimeError for a file that is missing or fails its checksum; URLError is an OSError;
# the rest come from reading files that were cut off, or are others than they should be.
FAILURES = (
    *(OSError, RuntimeError, HTTPException, ValueError, TypeError, LookupError, AttributeError),
    *(AssertionError, EOFError, UnpicklingError),
)
OFFICIAL = "official"
"""Stands for the content that a set's name promises."""


class Downloaded(FileDataset):
    """A data set that torchvision downloads into `root` and verifies, or that is read from `path` instead.

    A new one implements `fetch` and states what follows. A file at `path` is held to `num_classes` and `shape` (grey
    images may stand in for coloured ones), and may not be another set that is known; images that are not known to be
    the set's own are taken with a warning. So are other files in `root`, whose digest then is in the keys.
    """

    num_classes: ClassVar[int]
    shape: ClassVar[tuple[int, int, int]]
    """(C, H, W) of the images."""
    files: ClassVar[Mapping[str, str]] = {}
    """The official files' MD5 by their place below `root`, where torchvision reads files without looking at it."""
    instead: ClassVar[tuple[str, ...]] = ()
    """Files that torchvision reads in the place of `files` where all of them are there: an earlier version wrote them.
    """
    checked: ClassVar[tuple[str, ...]] = ()
    """Files of which torchvision takes the official content only."""

    _content: str | None = None

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.name is not None and self.path is None:
            raise UserError(
                f"dataset.name={self.name}: what is downloaded has a name. Allowed: null, or a dataset.path too."
            )

    @abstractmethod
    def fetch(self, datasets: Any, root: str, *, download: bool) -> dict[str, np.ndarray]:
        """Return the four arrays of `archive.LAYOUT` from what the classes of `datasets` (torchvision.datasets) hold.

        With `download`, what is not in `root` is downloaded first.
        """

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines the images and labels; the content of `root` is in it unless it is the official one.

        Raises `UserError` if a file cannot be read.
        """
        found = super().fingerprint()
        if self.path is None:
            if self._content is None:
                self._content = self._first_look()
            if self._content != OFFICIAL:
                found["content"] = self._content
        return found

    def unofficial(self) -> str | None:
        """Return the SHA-256 of what is taken for this set though nothing says that it is; None for official files."""
        found = self.fingerprint()
        return found.get("sha256") or found.get("content")

    def image_shape(self) -> tuple[int, int, int]:
        """Return (C, H, W) of the images.

        Raises `UserError` if a file's images are not of the set's shape, or for what its headers show to be wrong.
        """
        return self._check_shape(super().image_shape() or self.shape)

    def _check_shape(self, found: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the shape of images, or raise `UserError` if it is not the set's."""
        if found[1:] != self.shape[1:] or found[0] not in (1, self.shape[0]):
            _, height, width = self.shape
            raise UserError(
                f"{self.source} has images of shape (C, H, W) = {found}; {word(type(self))} has {self.shape}. Allowed: "
                f"{height}x{width} images, {'grey or in colour' if self.shape[0] == 3 else 'grey'}; or dataset=npz for "
                "images of your own."
            )
        return found

    def load(self) -> tuple[LabeledImages, LabeledImages]:
        """Return the official (train, test), or those of the file at `path`.

        Raises `UserError` when there is nothing in `root` and the download fails, and for a bad file.
        """
        if self.path is None:
            arrays = self._load_root()
            check_headers(arrays, self.source)
            check_labels({part: arrays[f"{part}_labels"] for part in ("train", "test")}, self.source, self.num_classes)
            train, test = (
                LabeledImages.from_arrays(arrays.pop(f"{part}_images"), arrays[f"{part}_labels"], self.num_classes)
                for part in ("train", "test")
            )
        else:
            train, test = self.load_path(self.num_classes)
        self._check_shape(train.image_shape)
        if self._content != OFFICIAL:
            self._judge(train, test)
        return train, test

    @property
    def source(self) -> str:
        """What data errors begin with."""
        return super().source if self.path is not None else f"{super().source} in dataset.root={self.root}"

    def _judge(self, *parts: LabeledImages) -> None:
        """Raise `UserError` for another set's images, and caution against those that are not known to be this one's."""
        own = word(type(self))
        found = whose((part.images.movedim(1, -1).squeeze(-1).numpy(), part.labels.numpy()) for part in parts)
        if found not in (None, own):
            raise UserError(
                f"{self.source} holds images of {found}, and dataset={own} was asked for. Take dataset={found}, or "
                "give each data set its own file, such as 'dataset.path=DIR/${hydra:runtime.choices.dataset}.npz'."
            )
        if self.path is None:
            self.caution = (
                f"these are not the official files of {own}, and results are not {own}'s. Delete them to download the "
                "official ones, or take dataset=npz for images of your own."
            )
        elif found is None:  # told in the store, which several names may share
            self.caution = (
                f"these images are not known to be {own}'s, whose name the results bear. Give them another with "
                "dataset.name=NAME."
            )

    # the folder `root`

    def _load_root(self) -> dict[str, np.ndarray]:
        """Return the four arrays of the files in `root`, which are downloaded if they are not there."""
        # Outside of the `try`: a torchvision that does not fit its torch fails here, not as a lost network.
        from torchvision import datasets  # noqa: PLC0415  (seconds, and needless with a path)

        stem = word(type(self))
        if self.root is None:
            raise UserError(f"dataset.root=null. Allowed: the folder for the download of {stem}, such as data.")
        root = Path(self.root).expanduser()
        # Complete already, perhaps in a folder that may not be written to. If not, or if a neighbour is still
        # writing, the second attempt waits for the lock and reports what fails.
        with suppress(*FAILURES):
            return self._fetch_unchanged(datasets, root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            with FileLock(root / f".{stem}.lock"):
                self.fetch(datasets, str(root), download=True)
                return self._fetch_unchanged(datasets, root)
        except FAILURES as error:
            cause = " ".join(str(error).split())  # torchvision's message has a line per mirror
            raise UserError(
                f"dataset={stem}: neither found in dataset.root={self.root} ({root.resolve()}) nor "
                f"downloaded: {type(error).__name__}: {cause} Run again with a network (after deleting "
                f"damaged files there), or work offline with dataset.path=FILE.npz: {LAYOUT}; "
                f"here K={self.num_classes}."
            ) from error

    def _fetch_unchanged(self, datasets: Any, root: Path) -> dict[str, np.ndarray]:
        """Return what is in `root`, as long as it is what the fingerprint speaks of and nobody changes it meanwhile."""
        before = self._digests()
        content = self._content_of(before)
        arrays = self.fetch(datasets, str(root), download=False)
        if self._digests() != before or self._content not in (None, content):
            raise changed(self.source)
        self._content = content
        return arrays

    def _first_look(self) -> str:
        """Return the content of `root`, after a neighbour that may be downloading it has ended."""
        root = Path(self.root or "").expanduser()
        with suppress(UserError):  # a file is written to
            if (content := self._content_of(self._digests())) == OFFICIAL:
                return content
        with suppress(OSError), FileLock(root / f".{word(type(self))}.lock"):  # none in a folder that may only be read
            return self._content_of(self._digests())
        return self._content_of(self._digests())

    def _content_of(self, digests: Mapping[str, str]) -> str:
        """Return OFFICIAL, also where nothing has been downloaded yet, or the SHA-256 of all that would be read."""
        root = Path(self.root or "").expanduser()
        read = next((names for names in (self.instead, self.files) if names and set(names) <= set(digests)), ())
        if set(read) == set(self.files) and all(digest(root / name, "md5") == self.files[name] for name in read):
            return OFFICIAL
        found = {name: digests[name] for name in read}
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() if found else OFFICIAL

    def _digests(self) -> dict[str, str]:
        """Return the SHA-256 of each file in `root` that torchvision may read; unchanged files are not read again."""
        if self.root is None:
            return {}
        root = Path(self.root).expanduser()
        try:
            names = [name for name in (*self.instead, *self.files, *self.checked) if (root / name).is_file()]
            return {name: digest(root / name) for name in names}
        except OSError as error:
            raise UserError(f"{self.source} cannot be read: {error}.") from error

"""What every data set shares: its settings, its division into train, test and auxiliary, its fingerprint."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch

from unlearnleak.config.component import Component
from unlearnleak.data.content import digest, read_whole
from unlearnleak.data.division import Division
from unlearnleak.data.images import LabeledImages, Splits
from unlearnleak.data.split import SPLIT_VERSION, channel_statistics, rank_in_class
from unlearnleak.data.title import check_title
from unlearnleak.errors import UserError

T = TypeVar("T")


class Dataset(Component, ABC):
    """A source of labelled images. A new one implements `load` and gives itself a `version`.

    - `root`: the folder that downloads go to, for the sets that are downloaded.
    - `path`: an .npz file that takes the place of the download (see `archive.LAYOUT`).
    - `auxiliary_per_class`: images per class taken out of the training rows for the attacker; 0 for none.
    - `test_per_class`: test images per class. Where the source has a test set of its own, None keeps all of
      it; where it has none, that many are taken out of the training rows.
    - `train_limit`: at most this many training images, stratified; None keeps all that are left.
    - `name`: what images of one's own are called in results.

    Raises `UserError` for values outside of these.
    """

    """Raise when `load` gives other images or labels than before."""
    location_keys: ClassVar[frozenset[str]] = frozenset({"root", "path", "name"})
    """Settings that say where the data lie, or how they are called: no store key holds them, `fingerprint` says what
    the data are."""

    def __init__(
        self,
        *,
        root: str | None,
        path: str | None,
        auxiliary_per_class: int,
        test_per_class: int | None,
        train_limit: int | None,
        name: str | None = None,
    ) -> None:
        check_whole("auxiliary_per_class", auxiliary_per_class, least=0)
        if test_per_class is not None:
            check_whole("test_per_class", test_per_class, least=1)
        if train_limit is not None:
            check_whole("train_limit", train_limit, least=1)
        if name is not None:
            check_title(name)
        self.root = root
        self.path = path
        self.auxiliary_per_class = auxiliary_per_class
        self.test_per_class = test_per_class
        self.train_limit = train_limit
        self.name = name
        self._sha256: str | None = None  # of the file at `path`: the one that every use of this object is held to
        self._was_read = False
        self.caution: str | None = None
        """What users must be told about the images, once `load` has looked at them."""

    @abstractmethod
    def load(self) -> tuple[LabeledImages, LabeledImages | None]:
        """Return the source's own (train, test), whole and in its order; test None where it has none.

        A file at `path` is read by `read_path`.
        """

    def splits(self, generator: torch.Generator) -> Splits:
        """Divide the images: the same generator state gives the same rows, in the source's order.

        `train_limit` moves neither test nor auxiliary, and `auxiliary_per_class` does not move test.
        """
        self.fingerprint()  # what is loaded is held against it
        everything, test = self.load()
        self.confirm()
        rank_N = rank_in_class(everything.labels, everything.num_classes, generator)
        counts = everything.class_counts(), None if test is None else test.class_counts()
        held_out, taken, ceiling_K = self.division.places(*counts)
        train = everything.select((rank_N >= taken) & (rank_N < ceiling_K[everything.labels]))
        auxiliary = everything.select((rank_N >= held_out) & (rank_N < taken))
        if test is None:
            test = everything.select(rank_N < held_out)
        elif self.test_per_class is not None:
            test = test.select(rank_in_class(test.labels, test.num_classes, generator) < self.test_per_class)
        mean, std = channel_statistics(train.images)
        if not any(std):
            raise UserError(
                f"{self.source}: all {len(train)} training images have one value in every pixel and cannot be "
                f"normalised. Allowed: images that differ. Check where the data come from."
            )
        std = tuple(each or 1.0 for each in std)  # a constant channel, as of images in two colours, becomes 0
        return Splits(train, test, auxiliary, mean, std)

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines the images and labels, for store keys: versions, and a given file's SHA-256.

        Never a file's name or place. An object's fingerprint never changes: what it loads is held against it. Raises
        `UserError` if the file at `path` cannot be read.
        """
        content: dict[str, Any] = {
            "dataset": type(self).__name__,
            "version": self.version,
            "split_version": SPLIT_VERSION,
        }
        if self.path is not None:
            if self._sha256 is None:
                self._sha256 = self.ask_path(self.digest)
            content["sha256"] = self._sha256
        return content

    @property
    def held_per_class(self) -> int:
        """How many labelled images of each class an attacker holds."""
        return self.auxiliary_per_class

    @property
    def source(self) -> str:
        """What data errors begin with: the file that the images come from, or the data set's word."""
        return f"dataset={word(type(self))}" if self.path is None else f"dataset.path={self.path}"

    @property
    def title(self) -> str:
        """What the images are called in results: the name that they were given, or the data set's word."""
        return self.name or word(type(self))

    def image_shape(self) -> tuple[int, int, int] | None:
        """Return (C, H, W) of the images as far as that is known without reading them, else None.

        Raises `UserError` if what can be known so is wrong already.
        """
        return None

    @property
    def division(self) -> Division:
        """How many rows of each class go where."""
        return Division(self.source, self.auxiliary_per_class, self.test_per_class, self.train_limit)

    def unofficial(self) -> str | None:
        """Return the digest of content that a set with a name of its own is made of by the user's word alone."""
        return None

    def read_path(self) -> bytes:
        """Return the content of the file at `path`, in memory once.

        Raises `UserError` if it cannot be read, or is not the content that the fingerprint speaks of.
        """
        content = self.ask_path(read_whole)
        self._hold(hashlib.sha256(content).hexdigest())
        self._was_read = True
        return content

    def ask_path(self, reader: Callable[[Path], T]) -> T:
        """Return what `reader` makes of the file at `path`. Raises `UserError` if it cannot be read."""
        assert self.path is not None, "only where there is a file"
        try:
            return reader(Path(self.path).expanduser())
        except OSError as error:
            raise UserError(
                f"dataset.path={self.path} cannot be read: {error.strerror}. Allowed: an .npz file; "
                f"a relative path starts at the working directory {Path.cwd()}."
            ) from error

    def digest(self, path: Path) -> str:
        """Return what tells the content at `path` from any other. Raises OSError if it cannot be read."""
        return digest(path)

    def confirm(self) -> None:
        """Raise `UserError` unless what `load` has just read is what the fingerprint speaks of.

        Here for sets that read the file at `path` by other means than `read_path`: it must still be the same file.
        """
        if self.path is not None and not self._was_read:
            self._hold(self.ask_path(self.digest))

    def _hold(self, sha256: str) -> None:
        """Take this for the file's digest, or hold it against the one that was taken before."""
        if self._sha256 not in (None, sha256):
            raise changed(f"dataset.path={self.path}")
        self._sha256 = sha256


def word(cls: type) -> str:
    """Return a data set's word on the command line: the module that its class lies in."""
    return cls.__module__.rpartition(".")[2]


def changed(where: str) -> UserError:
    """Return the refusal of content that is not what this run's keys were made of."""
    return UserError(
        f"{where} was replaced or changed after this run had begun, so that its results would stand under the name of "
        "what was there before. Nothing of it is kept. Run the same command again: it takes what is there now."
    )


def check_whole(name: str, value: object, *, least: int) -> None:
    """Raise `UserError` unless the setting `name` is a whole number from `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"dataset.{name}={value!r}. Allowed: a whole number, {least} or more.")

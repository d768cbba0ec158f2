"""What every data set shares: its settings, its division into train, test and auxiliary, its fingerprint."""

import hashlib
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from unlearnleak.dataset.images import LabeledImages, Splits
from unlearnleak.dataset.split import SPLIT_VERSION, channel_statistics, largest_remainder, rank_in_class
from unlearnleak.errors import UserError


@cache
def _digest(path: Path, inode: int, size: int, modified: int) -> str:
    """The file's SHA-256, read once as long as it looks the same: the jobs of a grid all ask for it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Dataset(ABC):
    """A source of labelled images. A new one implements `load` and gives itself a `version`.

    - `root`: the folder that downloads go to, for the sets that are downloaded.
    - `path`: an .npz file that takes the place of the download (see `arrays.LAYOUT`).
    - `auxiliary_per_class`: images per class taken out of the training rows for the attacker; 0 for none.
    - `test_per_class`: test images per class. Where the source has a test set of its own, None keeps all of
      it; where it has none, that many are taken out of the training rows.
    - `train_limit`: at most this many training images, stratified; None keeps all that are left.

    Raises `UserError` for values outside of these.
    """

    version: ClassVar[int]
    """Raise when `load` gives other images or labels than before."""
    location_keys: ClassVar[frozenset[str]] = frozenset({"root", "path"})
    """Settings that say where the data lie: no store key holds them, `fingerprint` says what the data are."""

    def __init__(
        self,
        *,
        root: str | None,
        path: str | None,
        auxiliary_per_class: int,
        test_per_class: int | None,
        train_limit: int | None,
    ) -> None:
        check_whole("auxiliary_per_class", auxiliary_per_class, least=0)
        if test_per_class is not None:
            check_whole("test_per_class", test_per_class, least=1)
        if train_limit is not None:
            check_whole("train_limit", train_limit, least=1)
        self.root = root
        self.path = path
        self.auxiliary_per_class = auxiliary_per_class
        self.test_per_class = test_per_class
        self.train_limit = train_limit

    @abstractmethod
    def load(self) -> tuple[LabeledImages, LabeledImages | None]:
        """Return the source's own (train, test), whole and in its order; test None where it has none."""

    def splits(self, generator: torch.Generator) -> Splits:
        """Divide the images: the same generator state gives the same rows, in the source's order.

        `train_limit` moves neither test nor auxiliary, and `auxiliary_per_class` does not move test.
        """
        everything, test = self.load()
        rank_N = rank_in_class(everything.labels, everything.num_classes, generator)
        held_out = self._held_out(test)
        taken = held_out + self.auxiliary_per_class
        left_K = self._left(everything, held_out)
        ceiling_N = (taken + self._quota(left_K))[everything.labels]
        train = everything.select((rank_N >= taken) & (rank_N < ceiling_N))
        auxiliary = everything.select((rank_N >= held_out) & (rank_N < taken))
        test = everything.select(rank_N < held_out) if test is None else self._reduced(test, generator)
        mean, std = channel_statistics(train.images)
        if 0.0 in std:
            raise UserError(
                f"Channel {std.index(0.0)} of all {len(train)} training images has one value in every pixel "
                f"and cannot be normalised. Allowed: images that differ. Check where the data come from."
            )
        return Splits(train, test, auxiliary, mean, std)

    def fingerprint(self) -> dict[str, Any]:
        """Return what determines the images and labels, for store keys: versions, and a given file's SHA-256.

        Never a file's name or place. Raises `UserError` if the file at `path` is not there.
        """
        content: dict[str, Any] = {
            "dataset": type(self).__name__,
            "version": self.version,
            "split_version": SPLIT_VERSION,
        }
        if self.path is not None:
            try:
                path = Path(self.path).expanduser()
                seen = path.stat()
                content["sha256"] = _digest(path.absolute(), seen.st_ino, seen.st_size, seen.st_mtime_ns)
            except OSError as error:
                raise UserError(
                    f"dataset.path={self.path} cannot be read: {error.strerror}. Allowed: an .npz file; "
                    f"a relative path starts at the working directory {Path.cwd()}."
                ) from error
        return content

    def _held_out(self, test: LabeledImages | None) -> int:
        """Return how many rows per class become test images."""
        if test is not None:
            return 0
        if self.test_per_class is None:
            raise UserError(
                "dataset.test_per_class=null: this data set has no test images of its own. "
                "Allowed: a whole number from 1, the images per class to hold out, such as 30."
            )
        return self.test_per_class

    def _left(self, everything: LabeledImages, held_out: int) -> Tensor:
        """Return how many rows of each class are left to train on, int64 [K]: at least one."""
        counts_K = everything.class_counts()
        left_K = counts_K - held_out - self.auxiliary_per_class
        short = int(left_K.argmin())
        if left_K[short] < 1:
            needs = held_out + self.auxiliary_per_class + 1
            settings = "dataset.auxiliary_per_class" + (" or dataset.test_per_class" if held_out else "")
            raise UserError(
                f"Class {short} has {int(counts_K[short])} training images and needs {needs}: "
                f"{self.auxiliary_per_class} auxiliary, {held_out} held out for the test and 1 to train on. "
                f"Lower {settings}."
            )
        return left_K

    def _quota(self, left_K: Tensor) -> Tensor:
        """Return how many rows of each class `train_limit` admits, int64 [K]."""
        total = int(left_K.sum())
        if self.train_limit is None or self.train_limit >= total:
            return left_K
        quota_K = largest_remainder(left_K, self.train_limit)
        if int(quota_K.min()) < 1:
            enough = -(-total // int(left_K.min()))
            raise UserError(
                f"dataset.train_limit={self.train_limit} leaves class {int(quota_K.argmin())} no image to "
                f"train on, of {total} images in {len(left_K)} classes. "
                f"Allowed: null for all, or {enough} and more."
            )
        return quota_K

    def _reduced(self, test: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """Return the source's test set, or `test_per_class` drawn images of each of its classes."""
        if self.test_per_class is None:
            return test
        counts_K = test.class_counts()
        fewest, rarest = int(counts_K.min()), int(counts_K.argmin())
        if self.test_per_class > fewest:
            raise UserError(
                f"dataset.test_per_class={self.test_per_class}: class {rarest} has only {fewest} test "
                f"images. Allowed: null for the whole test set, or 1..{fewest}."
            )
        return test.select(rank_in_class(test.labels, test.num_classes, generator) < self.test_per_class)


def check_whole(name: str, value: object, *, least: int) -> None:
    """Raise `UserError` unless the setting `name` is a whole number from `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"dataset.{name}={value!r}. Allowed: a whole number, {least} or more.")

"""How many rows of each class go where, by counts alone: known before an image is read. K classes."""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.data.split import largest_remainder
from unlearnleak.errors import UserError


class Places(NamedTuple):
    """Where a training row goes by its rank in its class: below `held_out` to the test images, from there on below
    `taken` to the auxiliary ones, and from there on below its class's `ceiling_K` (int64 [K]) to the training images.
    """

    held_out: int
    taken: int
    ceiling_K: Tensor


class Division(NamedTuple):
    """The settings that divide a data set (see `Dataset`); `source` says in refusals where the images come from."""

    source: str
    auxiliary_per_class: int
    test_per_class: int | None
    train_limit: int | None

    def places(self, train_K: Tensor, test_K: Tensor | None) -> Places:
        """Return where training rows go if the source has so many training and test images of each class (int64 [K]).

        `test_K` is None where the source has no test images of its own. Raises `UserError` if a part would lack what it
        needs.
        """
        held_out = self._held_out() if test_K is None else 0
        taken = held_out + self.auxiliary_per_class
        left_K = train_K - taken
        short = int(left_K.argmin())
        if left_K[short] < 1:
            settings = "dataset.auxiliary_per_class" + (" or dataset.test_per_class" if held_out else "")
            raise UserError(
                f"{self.source}: class {short} has {int(train_K[short])} training images and needs {taken + 1}: "
                f"{self.auxiliary_per_class} auxiliary, {held_out} held out for the test and 1 to train on. "
                f"Lower {settings}."
            )
        if test_K is not None:
            self._check_test(test_K)
        return Places(held_out, taken, taken + self._quota(left_K))

    def check(self, train_K: list[int], test_K: list[int]) -> None:
        """Raise `UserError` if the counts do not suffice; see `places`."""
        self.places(torch.tensor(train_K), torch.tensor(test_K))

    def _held_out(self) -> int:
        """Return how many training rows per class become test images."""
        if self.test_per_class is None:
            raise UserError(
                f"{self.source}: dataset.test_per_class=null, and this data set has no test images of its own. "
                "Allowed: a whole number from 1, the images per class to hold out, such as 30."
            )
        return self.test_per_class

    def _quota(self, left_K: Tensor) -> Tensor:
        """Return how many rows of each class `train_limit` admits, int64 [K]."""
        total = int(left_K.sum())
        if self.train_limit is None or self.train_limit >= total:
            return left_K
        quota_K = largest_remainder(left_K, self.train_limit)
        if int(quota_K.min()) < 1:
            enough = -(-total // int(left_K.min()))
            raise UserError(
                f"{self.source}: dataset.train_limit={self.train_limit} leaves class {int(quota_K.argmin())} no image "
                f"to train on, of {total} images in {len(left_K)} classes. Allowed: null for all, or {enough} and more."
            )
        return quota_K

    def _check_test(self, test_K: Tensor) -> None:
        """Raise `UserError` unless the source has `test_per_class` test images of each class."""
        fewest, rarest = int(test_K.min()), int(test_K.argmin())
        if self.test_per_class is not None and self.test_per_class > fewest:
            raise UserError(
                f"{self.source}: dataset.test_per_class={self.test_per_class}: class {rarest} has only {fewest} test "
                f"images. Allowed: null for the whole test set, or 1..{fewest}."
            )

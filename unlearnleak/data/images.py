"""Labelled images and the parts that they are divided into.

Shape letters: N samples, C channels, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Level = Literal["class", "sample"]


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images with their class labels, whole sets at a time: a batch is an index slice of these tensors.

    `images` is uint8 [N, C, H, W], `labels` int64 [N] with values in 0..K-1, and K is `num_classes`, which
    counts the classes of the whole data set, whether or not each has a sample here.
    """

    images: Tensor
    labels: Tensor
    num_classes: int

    def __post_init__(self) -> None:
        assert self.images.dtype == torch.uint8, self.images.dtype
        assert self.images.ndim == 4, self.images.shape
        assert self.labels.dtype == torch.int64, self.labels.dtype
        assert self.labels.shape == self.images.shape[:1], (self.labels.shape, self.images.shape)

    @classmethod
    def from_arrays(cls, images: np.ndarray, labels: np.ndarray | Sequence[int], num_classes: int) -> LabeledImages:
        """Take uint8 images N×H×W (grey) or N×H×W×C (channels last), and any whole-number labels [N]."""
        grey = images.ndim == 3
        images_NCHW = images[:, None] if grey else np.moveaxis(images, -1, 1)
        return cls(
            torch.from_numpy(np.ascontiguousarray(images_NCHW)),
            torch.from_numpy(np.asarray(labels).astype(np.int64)),
            num_classes,
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> LabeledImages:
        """Return the same samples on `device`."""
        return LabeledImages(self.images.to(device), self.labels.to(device), self.num_classes)

    def select(self, index: Tensor) -> LabeledImages:
        """Return the samples at `index`: whole numbers, in the order given, or a bool mask [N]."""
        return LabeledImages(self.images[index], self.labels[index], self.num_classes)

    def of(self, classes: Sequence[int]) -> LabeledImages:
        """Return the samples of `classes`, in their present order."""
        return self.select(self._belongs(classes))

    def without(self, classes: Sequence[int]) -> LabeledImages:
        """Return the samples of all other classes, in their present order."""
        return self.select(~self._belongs(classes))

    def class_counts(self) -> Tensor:
        """Return how many samples each class has, int64 [K]."""
        return torch.bincount(self.labels, minlength=self.num_classes)

    def _belongs(self, classes: Sequence[int]) -> Tensor:
        wanted = torch.tensor(list(classes), dtype=torch.int64, device=self.labels.device)
        return torch.isin(self.labels, wanted)


@dataclass(frozen=True, eq=False)
class Splits:
    """What one seed makes of a data set: three parts that share no row, and what normalises them.

    `auxiliary` is what a white-box attacker holds; it follows the training distribution and was taken out of
    the training rows. `mean` and `std` (population) are per channel over `train`, pixel values in [0, 1].
    """

    train: LabeledImages
    test: LabeledImages
    auxiliary: LabeledImages
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class ForgetSplit:
    """One set of images divided into the forget set D_f and the retain set D_r.

    At level "class", D_f is all of `classes` and D_r all others. At level "sample", D_f is some samples of each of
    `classes`, and D_r holds the rest of them too (`unlearnleak.data.forget.ForgetSet`).
    """

    forget: LabeledImages
    retain: LabeledImages
    classes: tuple[int, ...]
    level: Level = "class"

    @classmethod
    def of(cls, data: LabeledImages, classes: Sequence[int]) -> ForgetSplit:
        """Divide `data` by whole classes; see `forget_classes` for what a valid choice of them is."""
        return cls(data.of(classes), data.without(classes), tuple(classes))

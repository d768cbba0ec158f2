"""Labelled images of another data set, brought to the form that a model takes.

C, H, W: channels, height and width.
"""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from unlearnleak.data import LabeledImages
from unlearnleak.data.content import digest_of_folder
from unlearnleak.data.title import title_of_file
from unlearnleak.dataset.base import changed
from unlearnleak.dataset.digits import Digits
from unlearnleak.errors import UserError
from unlearnleak.foreign.images import open_images

DIGITS = "digits"
ADAPTED = 1
"""Raise it when `adapted` gives other images than before."""
GREY = (0.299, 0.587, 0.114)
"""What each of red, green and blue counts for in grey (ITU-R BT.601)."""


class OtherImages:
    """Another data set's images: the word `digits`, or a file or folder that `open_images` reads."""

    def __init__(self, where: str) -> None:
        self.where = where

    @property
    def title(self) -> str:
        """What they are called in results."""
        return self.where if self.where == DIGITS else title_of_file(self.path.stem)

    @property
    def path(self) -> Path:
        """Where a file or folder lies."""
        return Path(self.where).expanduser()

    def check(self) -> None:
        """Raises UserError where there is nothing of that name."""
        if self.where != DIGITS and not self.path.exists():
            raise UserError(
                f"auxiliary.dataset={self.where} is not there. Allowed: {DIGITS}, an .npz file with labelled images, a "
                "folder with a folder of images for each class, or null for the data set's own."
            )

    def fingerprint(self) -> dict[str, Any]:
        """What tells these images from any other, and how they are adapted; what is loaded is held against it."""
        content = digits().fingerprint() if self.where == DIGITS else {"sha256": self.sha256}
        return content | {"adapted": ADAPTED}

    @cached_property
    def sha256(self) -> str:
        """The digest of the file or folder. Raises UserError where it cannot be read."""
        try:
            return digest_of_folder(self.path)
        except OSError as error:
            raise UserError(f"auxiliary.dataset={self.where} cannot be read: {error.strerror}.") from error

    def images(self, image_shape: tuple[int, int, int], num_classes: int) -> LabeledImages:
        """All of them, on the CPU, as `adapted` says.

        Raises:
            UserError: they are no labelled images, or have other classes.
        """
        found = digits().load()[0] if self.where == DIGITS else self.opened(num_classes)
        if found.num_classes != num_classes:
            raise UserError(
                f"auxiliary.dataset={self.where} has {found.num_classes} classes, and the model {num_classes}: images "
                "of the same classes are needed."
            )
        return LabeledImages(adapted(found.images, image_shape), found.labels, num_classes)

    def opened(self, num_classes: int) -> LabeledImages:
        """The images in the file or folder. Raises UserError where it has changed since its digest was taken."""
        before = self.sha256
        images = open_images(self.path, num_classes=num_classes).images
        del self.sha256
        if self.sha256 != before:
            raise changed(f"auxiliary.dataset={self.where}")
        return images


def digits() -> Digits:
    """scikit-learn's digits, undivided."""
    return Digits(root=None, path=None, auxiliary_per_class=0, test_per_class=1, train_limit=None)


def adapted(images_NCHW: Tensor, image_shape: tuple[int, int, int]) -> Tensor:
    """uint8 images as those of another shape (C, H, W).

    Grey is repeated for each colour, colours are weighed as GREY says, and another size is interpolated bilinearly,
    with antialiasing where it is smaller. Images of that shape stay as they are.
    """
    channels, height, width = image_shape
    if tuple(images_NCHW.shape[1:]) == image_shape:
        return images_NCHW
    x_NCHW = images_NCHW.float()
    if x_NCHW.shape[1] > channels:
        x_NCHW = (x_NCHW * torch.tensor(GREY)[:, None, None]).sum(1, keepdim=True)
    if tuple(x_NCHW.shape[2:]) != (height, width):
        x_NCHW = interpolate(x_NCHW, (height, width), mode="bilinear", align_corners=False, antialias=True)
    return x_NCHW.round().clamp(0, 255).to(torch.uint8).expand(-1, channels, -1, -1).contiguous()

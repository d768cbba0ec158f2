"""Labelled images in an .npz: `images` and `labels`, or this project's own layout of training and test images."""

from pathlib import Path

import numpy as np

from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import read_arrays
from unlearnleak.foreign.image_rows import ImageRows

ALLOWED = (
    "Allowed: images [N,H,W], [N,H,W,1] or [N,H,W,3], uint8 or float in [0, 1], and labels [N], whole numbers; of an "
    "archive with train_images and test_images the test images are taken."
)
CHOICES = (("images", "labels"), ("test_images", "test_labels"), ("train_images", "train_labels"))


def read_archive(path: Path, shape: tuple[int, int, int] | None) -> ImageRows:
    """The images in the archive at `path`; test images where it has training and test images.

    Raises:
        UserError: it cannot be read, or its images are of another type, shape or range.
    """

    def check(kinds: dict[str, np.dtype]) -> None:
        images, labels = kinds.values()
        if images != np.uint8 and images.kind != "f":
            raise UserError(f"{path}: the images are {images}. {ALLOWED}")
        if labels.kind not in "iu":
            raise UserError(f"{path}: the labels are {labels}. {ALLOWED}")

    arrays = read_arrays(path, CHOICES, ALLOWED, check)
    name, images = next(iter(arrays.items()))
    notes = () if name == "images" else (f"the images are its {name}",)
    images = _channels_last(images, path)
    if images.dtype != np.uint8:
        images, notes = _bytes(images, path), (*notes, "floating-point images were rounded to 256 levels")
    return ImageRows(images, next(value for key, value in arrays.items() if key != name), notes=notes)


def _channels_last(images: np.ndarray, path: Path) -> np.ndarray:
    if images.ndim == 4 and images.shape[-1] not in (1, 3) and images.shape[1] in (1, 3):
        raise UserError(
            f"{path}: the images are {images.shape}, channels first. Turn them round: images.transpose(0, 2, 3, 1). "
            f"{ALLOWED}"
        )
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)) or 0 in images.shape:
        raise UserError(f"{path}: the images are of shape {images.shape}. {ALLOWED}")
    return images


def _bytes(images: np.ndarray, path: Path) -> np.ndarray:
    """Pixels 0..255 of floats in [0, 1]."""
    least, most = float(images.min()), float(images.max())
    if not (least >= 0 and most <= 1):
        raise UserError(
            f"{path}: the images' values are {least:.4g} to {most:.4g}, and 0 to 1 is needed, or uint8. Undo what "
            f"normalised them, or divide by 255. {ALLOWED}"
        )
    rounded: np.ndarray = np.rint(images.astype(np.float32) * 255).astype(np.uint8)
    return rounded

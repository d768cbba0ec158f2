"""Reads a data set from one .npz file, and says exactly what is wrong with one that cannot be used.

What the headers show is looked at before any array is read, and the labels before the images.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np

from unlearnleak.data.archive import Archive, Header, amount
from unlearnleak.data.images import LabeledImages
from unlearnleak.errors import UserError

PARTS = ("train", "test")


class Shaped(Protocol):
    """An array, or the header of one."""

    @property
    def dtype(self) -> np.dtype:
        """The type of its values."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""


def read_npz(
    content: bytes, where: str, num_classes: int | None, check: Callable[[list[int], list[int]], None]
) -> tuple[LabeledImages, LabeledImages]:
    """Return (train, test) of an .npz file's `content`; `num_classes` None means the largest label + 1.

    `check` is shown how many training and test images each class has (K numbers each) before the images are read. The
    most that is in memory at once is twice what the arrays take.

    Raises `UserError` naming the file (by `where`), the array, what was found in it and what is allowed. Nothing is
    unpickled.
    """
    archive = Archive(BytesIO(content), where)
    check_headers(archive.headers, where)
    check_memory(archive.headers, where)
    labels = {part: archive.read(f"{part}_labels") for part in PARTS}
    classes = check_labels(labels, where, num_classes)
    check(*(np.bincount(labels[part].astype(np.int64), minlength=classes).tolist() for part in PARTS))
    images = {part: archive.read(f"{part}_images") for part in PARTS}
    del archive, content
    train, test = (LabeledImages.from_arrays(images.pop(part), labels[part], classes) for part in PARTS)
    return train, test


def image_shape(path: Path, where: str) -> tuple[int, int, int]:
    """Return (C, H, W) of the images in the file at `path`, as the headers say, after everything in them is checked.

    Raises `UserError` as `read_npz` does, and OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        headers = Archive(file, where).headers
    check_headers(headers, where)
    check_memory(headers, where)
    _, height, width, *channels = headers["train_images"].shape
    return channels[0] if channels else 1, height, width


def check_headers(arrays: Mapping[str, Shaped], where: str) -> None:
    """Raise `UserError` unless the four arrays have types and shapes of labelled images, as far as headers tell."""
    for part in PARTS:
        _check_images(where, f"{part}_images", arrays[f"{part}_images"])
        _check_label_shape(where, part, arrays)
    seen, other = arrays["train_images"].shape[1:], arrays["test_images"].shape[1:]
    if seen != other:
        raise _refusal(where, "test_images", f"has images of shape {other}, train_images {seen}", "the same shape")


def check_memory(headers: Mapping[str, Header], where: str) -> None:
    """Raise `UserError` if dividing the images would take more memory than is free."""
    from unlearnleak.machine.memory import free_memory  # noqa: PLC0415  (what a sweep's workers are counted by)

    free, needed = free_memory(), 2 * sum(header.nbytes for header in headers.values())
    if free is not None and needed > free:
        raise UserError(
            f"{where} holds {amount(needed // 2)} of arrays. Reading and dividing them takes twice that, and "
            f"{amount(free)} of memory are free. Give it fewer images, or run on a larger machine."
        )


def check_labels(labels: Mapping[str, np.ndarray], where: str, num_classes: int | None) -> int:
    """Return the number of classes: `num_classes`, or the largest label + 1.

    Raises `UserError` unless "train" and "test" have labels of each class and of no other.
    """
    classes = int(max(each.max() for each in labels.values())) + 1 if num_classes is None else num_classes
    for part in PARTS:
        _check_classes(where, f"{part}_labels", labels[part], classes)
    return classes


def _check_images(where: str, name: str, images: Shaped) -> None:
    if images.dtype != np.uint8:
        raise _refusal(where, name, f"has dtype {images.dtype}", "uint8, pixel values 0..255")
    axes = len(images.shape)
    if axes not in (3, 4) or (axes == 4 and images.shape[-1] not in (1, 3)):
        raise _refusal(where, name, f"has shape {images.shape}", "[N,H,W], [N,H,W,1] or [N,H,W,3], channels last")
    if 0 in images.shape:
        raise _refusal(where, name, f"has shape {images.shape}, which holds nothing", "at least one image")


def _check_label_shape(where: str, part: str, arrays: Mapping[str, Shaped]) -> None:
    name, labels, images = f"{part}_labels", arrays[f"{part}_labels"], arrays[f"{part}_images"]
    if labels.dtype.kind not in "iu":
        raise _refusal(where, name, f"has dtype {labels.dtype}", "a whole-number dtype such as uint8 or int64")
    if labels.shape != images.shape[:1]:
        raise _refusal(
            where, name, f"has shape {labels.shape}", f"({images.shape[0]},): one label per image of {part}_images"
        )


def _check_classes(where: str, name: str, labels: np.ndarray, num_classes: int) -> None:
    if labels.min() < 0 or labels.max() >= num_classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise _refusal(where, name, f"holds the label {wrong}", f"0..{max(num_classes - 1, 0)}")
    if num_classes < 2:
        raise _refusal(where, name, "holds one class only", "two classes or more: one to forget, one to retain")
    present = np.unique(labels)
    if len(present) < num_classes:
        gaps = np.flatnonzero(present != np.arange(len(present)))
        absent = int(gaps[0]) if len(gaps) else len(present)
        raise _refusal(
            where, name, f"has no sample of class {absent}", f"at least one of each class 0..{num_classes - 1}"
        )


def _refusal(where: str, name: str, seen: str, allowed: str) -> UserError:
    return UserError(f"{where}: the array {name} {seen}. Allowed: {allowed}.")

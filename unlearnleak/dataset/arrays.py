"""Reads a data set from one .npz file, and says exactly what is wrong with one that cannot be used."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from unlearnleak.dataset.images import LabeledImages
from unlearnleak.errors import UserError

LAYOUT = (
    "one .npz file (numpy.savez) with four arrays: train_images and test_images, uint8, [N,H,W] or [N,H,W,1] "
    "(grey) or [N,H,W,3] (colour); train_labels and test_labels, whole numbers 0..K-1, one per image"
)
NAMES = ("train_images", "train_labels", "test_images", "test_labels")
# What numpy and zipfile raise over files that are not archives, are cut off, damaged, encrypted or pickled.
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read_npz(path: str, num_classes: int | None) -> tuple[LabeledImages, LabeledImages]:
    """Return (train, test) of the file at `path`; `num_classes` None means the largest label + 1.

    Raises `UserError` naming the file, the array, what was found in it and what is allowed. Nothing is
    unpickled.
    """
    arrays = _read(Path(path).expanduser())
    for part in ("train", "test"):
        _check_images(path, f"{part}_images", arrays[f"{part}_images"])
        _check_labels(path, part, arrays)
    seen, other = arrays["train_images"].shape[1:], arrays["test_images"].shape[1:]
    if seen != other:
        raise _refusal(path, "test_images", f"has images of shape {other}, train_images {seen}", "the same shape")
    largest = int(max(arrays["train_labels"].max(), arrays["test_labels"].max()))
    classes = largest + 1 if num_classes is None else num_classes
    for part in ("train", "test"):
        _check_classes(path, f"{part}_labels", arrays[f"{part}_labels"], classes)
    train, test = (
        LabeledImages.from_arrays(arrays[f"{part}_images"], arrays[f"{part}_labels"], classes)
        for part in ("train", "test")
    )
    return train, test


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise UserError(f"dataset.path={path}: there is no such file. Allowed: {LAYOUT}.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise ValueError("it holds a single array, as numpy.save writes it")
        with loaded as archive:
            present = archive.files
            missing = [name for name in NAMES if name not in present]
            arrays = {name: archive[name] for name in NAMES if name in present}
    except UNREADABLE as error:
        raise UserError(f"dataset.path={path} cannot be read: {error}. Allowed: {LAYOUT}.") from error
    if missing:
        raise UserError(
            f"dataset.path={path} has no array {', '.join(missing)}; "
            f"it holds {', '.join(present) or 'nothing'}. Allowed: {LAYOUT}."
        )
    return arrays


def _check_images(path: str, name: str, images: np.ndarray) -> None:
    if images.dtype != np.uint8:
        raise _refusal(path, name, f"has dtype {images.dtype}", "uint8, pixel values 0..255")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] not in (1, 3)):
        raise _refusal(path, name, f"has shape {images.shape}", "[N,H,W], [N,H,W,1] or [N,H,W,3], channels last")
    if 0 in images.shape:
        raise _refusal(path, name, f"has shape {images.shape}, which holds nothing", "at least one image")


def _check_labels(path: str, part: str, arrays: dict[str, np.ndarray]) -> None:
    name, labels, images = f"{part}_labels", arrays[f"{part}_labels"], arrays[f"{part}_images"]
    if labels.dtype.kind not in "iu":
        raise _refusal(path, name, f"has dtype {labels.dtype}", "a whole-number dtype such as uint8 or int64")
    if labels.shape != images.shape[:1]:
        raise _refusal(
            path, name, f"has shape {labels.shape}", f"({len(images)},): one label per image of {part}_images"
        )


def _check_classes(path: str, name: str, labels: np.ndarray, num_classes: int) -> None:
    if labels.min() < 0 or labels.max() >= num_classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise _refusal(path, name, f"holds the label {wrong}", f"0..{max(num_classes - 1, 0)}")
    if num_classes < 2:
        raise _refusal(path, name, "holds one class only", "two classes or more: one to forget, one to retain")
    present = np.unique(labels)
    if len(present) < num_classes:
        gaps = np.flatnonzero(present != np.arange(len(present)))
        absent = int(gaps[0]) if len(gaps) else len(present)
        raise _refusal(
            path, name, f"has no sample of class {absent}", f"at least one of each class 0..{num_classes - 1}"
        )


def _refusal(path: str, name: str, seen: str, allowed: str) -> UserError:
    return UserError(f"dataset.path={path}: the array {name} {seen}. Allowed: {allowed}.")

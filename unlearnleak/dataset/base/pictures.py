"""Pictures of any size, one after the other, made arrays of one size. N pictures, side S."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import numpy as np
from PIL import Image

from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import check_memory
from unlearnleak.foreign.picture import centre
from unlearnleak.machine.printable import printable

log = logging.getLogger(__name__)
SIDE = 32
"""Of pictures that differ in size, where none is asked for: CIFAR-10's, which every model here takes."""


def read_parts(opened: Mapping[str, Sequence[Any]], side: int, where: str) -> dict[str, np.ndarray]:
    """Return PART_images, uint8 [N, S, S, 3] or [N, S, S] where all are grey, and PART_labels, int64 [N].

    Pictures lie in the order of their labels and then of their content: some classes of torchvision list them as the
    file system does, and keys shall be the same on all machines. Full-size pictures are in memory one at a time.

    Args:
        opened: for each part the data sets, with items (picture, class number), that make it up.
        side: S.
        where: what refusals begin with.

    Raises:
        UserError: parts number their classes differently, a picture is damaged, a target is no class number, or memory
            does not suffice.
    """
    _check_classes([each for sets in opened.values() for each in sets], where)
    total = sum(len(each) for sets in opened.values() for each in sets)
    check_memory(f"{where} at dataset.size={side}", total * side * side * 3)
    log.info("%s: reading %d pictures, which are made %dx%d", where, total, side, side)
    found = {}
    for part, sets in opened.items():
        rows = [_read(each, number, side, where) for each in sets for number in range(len(each))]
        if not rows:
            raise UserError(f"{where}: its part {part} holds no picture.")
        rows.sort(key=lambda row: (row[1], hashlib.sha256(row[0].tobytes()).digest()))
        found[f"{part}_images"] = np.stack([image for image, _ in rows])
        found[f"{part}_labels"] = np.array([label for _, label in rows], np.int64)
    images = {name: array for name, array in found.items() if name.endswith("_images")}
    if all(np.array_equal(array[..., channel], array[..., 0]) for array in images.values() for channel in (1, 2)):
        found |= {name: array[..., 0].copy() for name, array in images.items()}
    return found


def resize(images: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 images [N, H, W] or [N, H, W, 3] with H and W brought to `side`; see `centre`."""
    return np.stack([np.asarray(centre(Image.fromarray(image), side)) for image in images])


def _read(dataset: Any, number: int, side: int, where: str) -> tuple[np.ndarray, int]:
    """Picture and label, uint8 [S, S, 3] and a whole number."""
    try:
        picture, target = dataset[number]
        if not isinstance(picture, Image.Image):
            from torchvision.transforms.functional import to_pil_image  # noqa: PLC0415  (there once a set is open)

            picture = to_pil_image(picture)
        image = np.asarray(centre(picture.convert("RGB"), side))
    except Exception as error:  # whatever Pillow's decoders make of a damaged file
        raise UserError(
            f"{where}: picture {number} cannot be read: {type(error).__name__}: {printable(error)[:200]}. Delete what "
            "is damaged there, and download or copy it again."
        ) from error
    try:
        return image, index(target)
    except TypeError as error:
        raise UserError(
            f"{where}: what belongs to picture {number} is of type {type(target).__name__} and no class number, "
            "as in parts whose labels are not public. Give images as arrays: dataset=npz "
            "dataset.path=FILE.npz."
        ) from error


def _check_classes(opened: Sequence[Any], where: str) -> None:
    """Raise `UserError` where parts name their classes and differ: classes are numbered by their names' places."""
    named = [each.classes for each in opened if hasattr(each, "classes")]
    for other in named[1:]:
        if list(other) != list(named[0]):
            differ = sorted({*map(str, named[0])} ^ {*map(str, other)})[:3]
            raise UserError(
                f"{where}: its parts have different classes, such as {printable(', '.join(differ))[:200]}, and would "
                "number them differently. Allowed: each class in each part."
            )

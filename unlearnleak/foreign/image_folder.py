"""A folder with one folder of pictures for each class, as torchvision's ImageFolder has it: classes by sorted name."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import check_memory
from unlearnleak.foreign.image_rows import ImageRows
from unlearnleak.foreign.picture import decode
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import printable

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")
"""Files that are looked at, as ImageFolder does; what they are is told by their content."""
MOST_FILES = 10**6


def read_folder(path: Path, shape: tuple[int, int, int] | None) -> ImageRows:
    """The pictures in the folders below `path`; the number of a class is that of its folder among the sorted names.

    Links to folders are not followed. All must be of one size, unless `shape` tells one.

    Raises:
        UserError: there is none, one cannot be read, or they differ in size or colour.
    """
    return asked(path, lambda: _read(path, shape))


def _read(path: Path, shape: tuple[int, int, int] | None) -> ImageRows:
    classes = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files = [(number, file) for number, name in enumerate(classes) for file in _pictures(path / name)]
    if not files or len(files) > MOST_FILES:
        raise UserError(
            f"{path} holds {len(files)} pictures in {len(classes)} folders of classes. Allowed: one folder for each "
            f"class, and in it files that end in {', '.join(SUFFIXES[:4])} and the like, {MOST_FILES} at most."
        )
    rows: list[np.ndarray] = []
    for _, file in files:
        rows.append(decode(read_whole(file), printable(file), shape))
        if len(rows) == 1:
            check_memory(str(path), len(files) * rows[0].nbytes)
        check_alike(rows, printable(file))
    names = tuple(printable(name)[:60] for name in classes)
    notes = (*resized(shape), *sorted_as_text(names))
    return ImageRows(np.stack(rows), np.array([number for number, _ in files]), names, notes)


def check_alike(rows: list[np.ndarray], where: str) -> None:
    """Raises UserError unless the last picture has the shape of the first."""
    if rows[-1].shape != rows[0].shape:
        ours, first = ("x".join(map(str, each.shape)) for each in (rows[-1], rows[0]))
        raise UserError(
            f"{where} is {ours}, and the pictures before it are {first} (H x W, and 3 for colour). All must be of one "
            "kind: tell the size that the model takes, or convert them."
        )


def resized(shape: tuple[int, int, int] | None) -> tuple[str, ...]:
    """What is done to pictures where a shape is told."""
    return () if shape is None else (f"pictures of other sizes were resized to {shape[1]}x{shape[2]} (bilinear)",)


def sorted_as_text(names: tuple[str, ...]) -> tuple[str, ...]:
    """A note where folders are named by numbers, whose order as text is another than that of the numbers."""
    numbers = [int(name) for name in names if name.isdecimal()]
    if len(numbers) < len(names) or numbers == sorted(numbers):
        return ()
    place = next(place for place, number in enumerate(sorted(numbers)) if number != numbers[place])
    return (
        f"class folders are sorted as text, as ImageFolder does it: folder {names[place]} is class {place}; where the "
        "model counts otherwise, name them with zeros in front",
    )


def _pictures(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        inner.sort()
        yield from (Path(place) / name for name in sorted(files) if name.lower().endswith(SUFFIXES))

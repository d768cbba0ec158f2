"""Labelled images that somebody has: an .npz, a folder of class folders, or parquet files of a data set."""

from dataclasses import dataclass
from pathlib import Path

from unlearnleak.data.images import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.foreign.image_archive import read_archive
from unlearnleak.foreign.image_folder import read_folder
from unlearnleak.foreign.kind import Kind, kind_of
from unlearnleak.foreign.labels import check_labels, without_rows
from unlearnleak.foreign.parquet import read_parquet

READERS = {Kind.IMAGES_NPZ: read_archive, Kind.IMAGE_FOLDER: read_folder, Kind.PARQUET: read_parquet}


@dataclass(frozen=True, kw_only=True, eq=False)
class ForeignImages:
    """Labelled images.

    Attributes:
        images: uint8 [N, C, H, W] and their labels.
        class_names: what the classes are called, in the order of the labels; None where nothing tells.
        kind: of the file, in words.
        notes: what was done on the way, and which classes have no image.
    """

    images: LabeledImages
    class_names: tuple[str, ...] | None
    kind: str
    notes: tuple[str, ...]


def open_images(
    path: Path | str, *, num_classes: int | None = None, shape: tuple[int, int, int] | None = None
) -> ForeignImages:
    """The images at `path`.

    Args:
        path: a file or a folder, whose kind is told by its content.
        num_classes: K; None for the largest label + 1, or the number of class folders.
        shape: (C, H, W) that all must have; pictures in a folder or in parquet files are resized to H x W where it is
            told. Colours are never changed: grey and colour must be what the model takes.

    Raises:
        UserError: they are none, damaged, of another shape, or their labels are out of range.
    """
    place, kind = Path(path).expanduser(), kind_of(path)
    if kind not in READERS:
        raise UserError(f"{place} holds no labelled images: it is {kind.one}.")
    found = READERS[kind](place, shape)
    names = None if found.class_names is None else len(found.class_names)
    if names is not None and num_classes is not None and names > num_classes:
        raise UserError(f"{place} names {names} classes, and the model has {num_classes}.")
    labels, classes = check_labels(
        found.labels_N, str(place), rows=len(found.images_NHWC), num_classes=num_classes or names
    )
    images = LabeledImages.from_arrays(found.images_NHWC, labels.numpy(), classes)
    if shape is not None and images.image_shape != tuple(shape):
        theirs, wanted = ("x".join(map(str, each)) for each in (images.image_shape, shape))
        colours = " Convert grey to colour or back first, as the model's training did." * (
            images.image_shape[0] != shape[0]
        )
        raise UserError(f"{place} holds images of {theirs} (C x H x W), and {wanted} is needed.{colours}")
    notes = (*found.notes, *without_rows(images.class_counts()))
    return ForeignImages(images=images, class_names=found.class_names, kind=kind.value, notes=notes)

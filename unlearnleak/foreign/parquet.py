"""Data sets of images as parquet files, such as those of the Hugging Face hub: a column of pictures, one of labels."""

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np

from unlearnleak.data.archive import named
from unlearnleak.data.content import check_regular, check_size
from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import check_memory
from unlearnleak.foreign.image_folder import check_alike, resized
from unlearnleak.foreign.image_rows import ImageRows
from unlearnleak.foreign.picture import decode
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import first_line, printable

IMAGE, LABEL = ("image", "img", "images", "picture"), ("label", "labels", "fine_label", "class", "target")
ALLOWED = f"Allowed: a column {' or '.join(IMAGE[:2])} of pictures (bytes) and a column {LABEL[0]} of whole numbers."
SPLITS = ("test", "validation", "valid", "val", "train")
"""Which part is taken, the first that there is, where the files' names tell parts apart."""


def read_parquet(path: Path, shape: tuple[int, int, int] | None) -> ImageRows:
    """The pictures and labels of the parquet file at `path`, or of those of one part in a folder.

    Raises:
        UserError: pyarrow is not installed, a file is damaged, or there are no such columns.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise UserError(f"{path} is parquet, which needs pyarrow: pip install 'unlearnleak[parquet]'.")
    return asked(path, lambda: _read(path, shape))


def _read(path: Path, shape: tuple[int, int, int] | None) -> ImageRows:
    files, notes = _part(path)
    rows: list[np.ndarray] = []
    labels: list[int] = []
    names: tuple[str, ...] | None = None
    for file in files:
        table, image, label = _table(file)
        names = names or _names(table.schema.metadata or {}, label)
        for batch in table.to_batches(max_chunksize=1000):
            for picture, number in zip(batch[image].to_pylist(), batch[label].to_pylist(), strict=True):
                rows.append(decode(_content(picture, file), f"{file}, row {len(rows)}", shape))
                labels.append(_whole(number, file))
                check_alike(rows, f"{file}, row {len(rows) - 1}")
    if not rows:
        raise UserError(f"{path} holds no rows. {ALLOWED}")
    return ImageRows(np.stack(rows), np.array(labels), names, (*notes, *resized(shape)))


def _part(path: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The files, and which part of the data set they are."""
    if not path.is_dir():
        return [path], ()
    files = sorted(path.rglob("*.parquet"))
    for split in SPLITS:
        if chosen := [file for file in files if file.name.startswith(split) or file.parent.name == split]:
            return chosen, (f"the images are those of its part {split!r}",)
    return files, ()


def _table(file: Path) -> tuple[Any, str, str]:
    """The columns of pictures and labels, and their names."""
    parquet = importlib.import_module("pyarrow.parquet")
    check_regular(file)
    with file.open("rb") as opened:
        check_size(file, opened.fileno())
    try:
        opened_file = parquet.ParquetFile(file)
        there = opened_file.schema_arrow.names
        image, label = (next((name for name in wanted if name in there), None) for wanted in (IMAGE, LABEL))
        if image is None or label is None:
            raise UserError(f"{file} has the columns {named(there)}. {ALLOWED}")
        meta = opened_file.metadata
        check_memory(str(file), sum(meta.row_group(n).total_byte_size for n in range(meta.num_row_groups)))
        return opened_file.read(columns=[image, label]), image, label
    except UserError:
        raise
    except Exception as error:  # whatever Arrow makes of a file that was made up
        raise UserError(f"{file} is no sound parquet file: {printable(first_line(error))[:120]}.") from error


def _content(picture: Any, file: Path) -> bytes:
    content = picture.get("bytes") if isinstance(picture, dict) else picture
    if not isinstance(content, bytes):
        raise UserError(f"{file}: a picture is {type(content).__name__} and no bytes. {ALLOWED}")
    return content


def _whole(number: Any, file: Path) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise UserError(f"{file}: the label {printable(number)[:40]} is no whole number. {ALLOWED}")
    return number


def _names(metadata: dict[bytes, bytes], label: str) -> tuple[str, ...] | None:
    """What the classes are called, where the Hugging Face library has written it down."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
        return tuple(printable(name)[:60] for name in names) if isinstance(names, list) else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return None

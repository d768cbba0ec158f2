"""Data sets of images as the Hugging Face hub has them: parquet or Arrow, a column of pictures and one of labels."""

import importlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unlearnleak.data.archive import named
from unlearnleak.data.content import check_regular
from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import check_memory
from unlearnleak.foreign.image_folder import check_alike, resized
from unlearnleak.foreign.image_rows import ImageRows
from unlearnleak.foreign.picture import decode
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import first_line, printable

T = TypeVar("T")
MAGIC = b"PAR1"
"""How parquet begins; Arrow's streams do not."""
CHUNK = 256
"""Rows that are read at once."""
SUFFIXES = (".parquet", ".arrow")
"""Of the files in a folder: as the hub has them, and as the library datasets saves them (save_to_disk)."""
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
        table = _Table(file)
        names = names or _names(table.metadata, table.label)
        for picture, label in table.rows():
            where = f"{file}, row {len(rows)}"
            rows.append(decode(_content(picture, where), where, shape))
            labels.append(_whole(label, where))
            check_alike(rows, where)
            if len(rows) % CHUNK == 1:  # a small file can stand for rows without end
                check_memory(str(path), (len(rows) + CHUNK) * rows[0].nbytes)
    if not rows:
        raise UserError(f"{path} holds no rows. {ALLOWED}")
    return ImageRows(np.stack(rows), np.array(labels), names, (*notes, *resized(shape)))


def _part(path: Path) -> tuple[list[Path], tuple[str, ...]]:
    """The files, and which part of the data set they are."""
    if not path.is_dir():
        return [path], ()
    files = sorted(file for suffix in SUFFIXES for file in path.rglob(f"*{suffix}"))
    for split in SPLITS:
        if chosen := [file for file in files if file.name.startswith(split) or file.parent.name == split]:
            return chosen, (f"the images are those of its part {split!r}",)
    return files, ()


class _Table:
    """One file's two columns, read a piece at a time: what it claims to hold is not taken at its word."""

    def __init__(self, file: Path) -> None:
        check_regular(file)
        self.file = file
        schema = self._told(self._schema)
        image, label = (next((name for name in wanted if name in schema.names), None) for wanted in (IMAGE, LABEL))
        if image is None or label is None:
            raise UserError(f"{file} has the columns {named(schema.names)}. {ALLOWED}")
        self.image, self.label = image, label
        self.metadata: dict[bytes, bytes] = schema.metadata or {}

    def rows(self) -> Iterator[tuple[Any, Any]]:
        """Pictures and labels as they stand there."""
        pieces = iter(self._told(self._batches))
        while (batch := self._told(lambda: next(pieces, None))) is not None:
            images, labels = self._told(partial(_columns, batch, (self.image, self.label)))
            yield from zip(images, labels, strict=True)

    @cached_property
    def _is_parquet(self) -> bool:
        with self.file.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC

    def _schema(self) -> Any:
        if not self._is_parquet:
            return _arrow("ipc").open_stream(self.file.open("rb")).schema
        return _arrow("parquet").ParquetFile(self.file).schema_arrow

    def _batches(self) -> Any:
        if not self._is_parquet:
            stream = _arrow("ipc").open_stream(self.file.open("rb"))
            return (batch.slice(at, CHUNK) for batch in stream for at in range(0, len(batch), CHUNK))
        columns = [self.image, self.label]
        return _arrow("parquet").ParquetFile(self.file).iter_batches(batch_size=CHUNK, columns=columns)

    def _told(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except Exception as error:  # whatever Arrow makes of a file that was made up
            why = printable(first_line(error))[:120]
            raise UserError(f"{self.file} is no sound file of parquet or Arrow: {why}.") from error


def _arrow(part: str) -> Any:
    return importlib.import_module(f"pyarrow.{part}")


def _columns(batch: Any, names: tuple[str, ...]) -> list[list[Any]]:
    """The values of the columns, whose offsets were checked."""
    for name in names:
        batch[name].validate(full=True)
    return [batch[name].to_pylist() for name in names]


def _content(picture: Any, where: str) -> bytes:
    content = picture.get("bytes") if isinstance(picture, dict) else picture
    if not isinstance(content, bytes):
        raise UserError(f"{where}: a picture is {type(content).__name__} and no bytes. {ALLOWED}")
    return content


def _whole(number: Any, where: str) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise UserError(f"{where}: the label {printable(number)[:40]} is no whole number. {ALLOWED}")
    return number


def _names(metadata: dict[bytes, bytes], label: str) -> tuple[str, ...] | None:
    """What the classes are called, where the Hugging Face library has written it down."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
        return tuple(printable(name)[:60] for name in names) if isinstance(names, list) else None
    except (KeyError, TypeError, ValueError, RecursionError):
        return None

"""A table of a stranger's, CSV or parquet: its columns as numbers from 0 to 255, its labels as classes.

N rows, F columns behind the encoding, K classes.
"""

import csv
import io
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.data.archive import amount, named
from unlearnleak.errors import UserError
from unlearnleak.machine.memory import free_memory
from unlearnleak.machine.printable import first_line, printable

LAYOUT = (
    "a CSV with a header and a row a sample, or a .parquet file; columns of numbers, of true and false or of words, "
    "nothing missing; one column of labels (dataset.label)"
)
MOST_COLUMNS = 4096
"""Of a table, and of numbers that its columns become."""
MOST_WORDS = 64
"""A column of more different words is taken for free text or an identifier."""
MOST_CLASSES = 1000
BYTES_PER_CELL = 64
"""What pandas takes for a cell at most, a short word."""
LEVELS = 255
PARQUET = b"PAR1"
MISSING = ("NA", "N/A", "n/a", "na", "nan", "NaN", "NAN", "null", "NULL", "None", "none", "-", "?")
"""What stands for a missing number in a column of numbers; in one of words each is a word."""


class Table(NamedTuple):
    """Rows as uint8 [N, F], classes int64 [N] with the values that they stand for, and the columns' names."""

    rows_NF: np.ndarray
    labels_N: np.ndarray
    classes: list[str]
    columns: list[str]


def read_table(content: bytes, where: str, label: str, text: str) -> Table:
    """The table in a file's content.

    A column of numbers is brought to 0..255 between its smallest and its largest value, in 256 levels, as a pixel is; a
    column of words becomes one column for each of them, 0 or 255. Labels are numbered from 0 in the order of their
    values. `where` names the file in refusals, `text` is "onehot" or "refuse".

    Raises:
        UserError: it is no such table; the column, the row and what is allowed.
    """
    frame = _parquet(content, where) if content[:4] == PARQUET else _csv(content, where, label)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()].tolist()
        raise refusal(where, f"columns {named(twice)} are there more than once")
    if label not in frame.columns:
        raise refusal(where, f"there is no column {quoted(label)} (dataset.label); columns: {named(frame.columns)}")
    if not len(frame) or len(frame.columns) < 2:
        raise refusal(where, f"it has {len(frame)} rows of {len(frame.columns)} columns")
    for column in frame.columns:
        if empty := int(frame[column].isna().sum()):
            row = int(frame[column].isna().to_numpy().argmax())
            raise refusal(
                where,
                f"column {quoted(column)} has {empty} missing values, the first in row {row}: fill them in or leave "
                "the column out",
            )
    labels_N, classes = _classes(frame.pop(label), where, label)
    parts = [_encoded(frame[column], where, text) for column in frame.columns]
    width = sum(part.shape[1] for part in parts)
    if width > MOST_COLUMNS:
        raise refusal(where, f"its columns become {width} numbers, and at most {MOST_COLUMNS} are possible")
    return Table(np.concatenate(parts, axis=1), labels_N, classes, [str(column) for column in frame.columns])


def _csv(content: bytes, where: str, label: str) -> pd.DataFrame:
    try:
        lines = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
        header = next(csv.reader(lines), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise refusal(where, f"it cannot be read ({error})") from error
    _check_size(where, len(header), content.count(b"\n") + content.count(b"\r") + 1)
    if len(set(header)) < len(header):
        raise refusal(where, f"columns {named(sorted({n for n in header if header.count(n) > 1}))} are there twice")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of rows that would lose what is beyond the header
            frame = pd.read_csv(
                io.BytesIO(content),
                encoding="utf-8-sig",
                index_col=False,
                on_bad_lines="error",
                low_memory=False,
                keep_default_na=False,  # "None" is a word like others; among numbers see `_inferred`
                na_values=[""],
                dtype={label: str} if label in header else None,
            )
    except (ValueError, OverflowError, pd.errors.ParserError, pd.errors.ParserWarning, csv.Error) as error:
        raise refusal(where, f"it cannot be read ({error})") from error
    return frame.apply(_inferred)


def _inferred(column: pd.Series) -> pd.Series:
    """A column of text as the numbers that it holds, if it holds nothing else but words for a missing one.

    Numbers that begin with a 0 are names, such as 007.
    """
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column
    missing = column.isna() | column.isin(MISSING)
    numbers = pd.to_numeric(column[~missing], errors="coerce")
    if not len(numbers) or numbers.isna().any() or column.astype(str).str.match(r"[+-]?0\d").any():
        return column
    return numbers.reindex(column.index)


def _parquet(content: bytes, where: str) -> pd.DataFrame:
    try:
        from pyarrow import ArrowException, BufferReader, types  # noqa: PLC0415  (an extra)
        from pyarrow import parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise UserError(f"{where} is parquet, which needs pyarrow: pip install 'unlearnleak[parquet]'.") from error
    try:
        schema = pq.ParquetFile(BufferReader(content)).schema_arrow
        words = [field.name for field in schema if types.is_string(field.type) or types.is_large_string(field.type)]
        file = pq.ParquetFile(BufferReader(content), read_dictionary=words)  # a word is then held once
        for field in file.schema_arrow:
            kind = field.type.value_type if types.is_dictionary(field.type) else field.type
            kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
            if not any(of(kind) for of in kinds):
                raise refusal(where, f"column {quoted(field.name)} is of {first_line(field.type)}")
        _check_size(where, len(file.schema_arrow), file.metadata.num_rows)
        table = file.read()
        table.validate(full=True)  # what a damaged file says of its own parts is not taken at its word
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    except (ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        raise refusal(where, f"it cannot be read ({error})") from error
    return frame


def _check_size(where: str, columns: int, rows: int) -> None:
    if columns > MOST_COLUMNS:
        raise refusal(where, f"it has {columns} columns, and at most {MOST_COLUMNS} are possible")
    needed, free = columns * max(0, rows) * BYTES_PER_CELL, free_memory()
    if free is not None and needed > free:
        raise refusal(where, f"{rows} rows of {columns} columns take {amount(needed)}, and {amount(free)} are free")


def _classes(column: pd.Series, where: str, label: str) -> tuple[np.ndarray, list[str]]:
    """Each row's class, and what the classes are called, in their order."""
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(np.float64)
        if not (np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 2**53):
            raise refusal(where, f"labels in column {quoted(label)} must be whole numbers or words")
        column = pd.Series(values.astype(np.int64))
    if pd.api.types.is_integer_dtype(column) or pd.api.types.is_bool_dtype(column):
        labels_N, values = pd.factorize(column, sort=True)
    else:
        labels_N, values = _words(column)
    if not 2 <= len(values) <= MOST_CLASSES:
        raise refusal(where, f"column {quoted(label)} holds {len(values)} labels, and 2 to {MOST_CLASSES} are possible")
    return labels_N.astype(np.int64), [str(value) for value in values]


def _encoded(column: pd.Series, where: str, text: str) -> np.ndarray:
    """A column as uint8 [N, 1], or of words [N, their number]."""
    name = quoted(column.name)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(np.float64)
        if not np.isfinite(values).all():
            raise refusal(where, f"column {name} holds infinities, the first in row {np.isfinite(values).argmin()}")
        with np.errstate(over="ignore", invalid="ignore"):
            low, span = values.min(), values.max() - values.min()
            if not np.isfinite(span):
                raise refusal(where, f"column {name} reaches from {low:g} to {values.max():g}, which is too far")
            scaled = (values - low) / span if span else np.zeros_like(values)
        levels_N: np.ndarray = np.round(scaled * LEVELS).astype(np.uint8)
        return levels_N[:, None]
    if text == "refuse":
        raise refusal(where, f"column {name} holds words, such as {quoted(column.iloc[0])}, and dataset.text=refuse")
    codes_N, words = _words(column)
    if len(words) > MOST_WORDS:
        raise refusal(
            where,
            f"column {name} holds {len(words)} different words, and at most {MOST_WORDS} are possible: leave it out",
        )
    said_NW: np.ndarray = codes_N[:, None] == np.arange(len(words))
    return said_NW.astype(np.uint8) * np.uint8(LEVELS)


def _words(column: pd.Series) -> tuple[np.ndarray, Any]:
    """Each row's word as its place among the different words, and these in their order. A word is held once."""
    codes_N, words = pd.factorize(column)
    words = np.array([str(word) for word in words], dtype=object)
    in_order, place_W = np.unique(words, return_inverse=True)
    return place_W[codes_N], in_order


def quoted(value: Any) -> str:
    """A name or a value of a stranger's, short and on one line."""
    said = printable(value)
    return f"{said[:40]}..." if len(said) > 40 else said


def refusal(where: str, what: str) -> UserError:
    """The refusal of a table."""
    said = printable(first_line(what))
    return UserError(f"{where}: {said[:400]}. Allowed: {LAYOUT}.")

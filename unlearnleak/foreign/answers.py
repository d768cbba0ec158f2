"""A table of a model's answers: what it says to labelled images, without the model.

In an .npz: the arrays `probabilities` or `logits` [N, K], and `labels` [N]. As CSV: a column `label`, and one of
answers for each class in the order of the labels (`p0`, `p1`, ...); a label may be the name of its column.
"""

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.arrays import check_memory, read_arrays
from unlearnleak.foreign.kind import Kind, kind_of
from unlearnleak.foreign.labels import check_labels, without_rows
from unlearnleak.foreign.reading import asked
from unlearnleak.machine.printable import printable

ALLOWED = (
    "Allowed: an .npz with probabilities or logits [N, K] and labels [N], or a CSV (with commas) with a column label "
    "and one column of answers for each class."
)
LABEL = ("label", "labels")
BYTES_A_CELL = 100
"""What a cell of a CSV takes while it is read, at most some."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswerTable:
    """What a model answered.

    Attributes:
        probabilities_NK: float32, each row 1 in all.
        labels_N: int64, the true classes 0..K-1.
        kind: of the file, in words.
        columns: what the file calls the classes; None where it does not.
        notes: what was done on the way.
    """

    probabilities_NK: Tensor
    labels_N: Tensor
    kind: str
    columns: tuple[str, ...] | None
    notes: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        """K."""
        return self.probabilities_NK.shape[1]


def open_answers(path: Path | str) -> AnswerTable:
    """The table in the file at `path`.

    Raises:
        UserError: it is none, its labels are out of range, or its rows are neither probabilities nor logits.
    """
    place, kind = Path(path).expanduser(), kind_of(path)
    if kind is Kind.ANSWERS_NPZ:
        table, labels, said = _from_npz(place)
        columns = None
    elif kind is Kind.ANSWERS_CSV:
        columns, table, labels = _from_csv(place)
        said = None
    else:
        raise UserError(f"{place} is no table of answers but {kind.one}. {ALLOWED}")
    if table.ndim != 2 or table.shape[1] < 2:
        raise UserError(
            f"{place}: the answers are of shape {table.shape}, and [N, K] with two classes or more is needed."
        )
    labels_N, _ = check_labels(labels, str(place), rows=len(table), num_classes=table.shape[1])
    probabilities_NK, notes = _probabilities(torch.from_numpy(table.astype(np.float64)), str(place), said)
    absent = without_rows(torch.bincount(labels_N, minlength=table.shape[1]))
    return AnswerTable(
        probabilities_NK=probabilities_NK, labels_N=labels_N, kind=kind.value, columns=columns, notes=(*notes, *absent)
    )


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray, str]:
    def check(kinds: dict[str, np.dtype]) -> None:
        wrong = [
            f"{name} is {kind}" for name, kind in kinds.items() if kind.kind not in ("iu" if name in LABEL else "f")
        ]
        if wrong:
            raise UserError(f"{path}: {', '.join(wrong)}; answers are floating point, labels whole numbers. {ALLOWED}")

    choices = [(said, label) for said in ("probabilities", "logits") for label in LABEL]
    arrays = read_arrays(path, choices, ALLOWED, check)
    said = next(iter(arrays))
    return arrays[said], next(arrays[name] for name in LABEL if name in arrays), said


def _from_csv(path: Path) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    content = asked(path, lambda: read_whole(path))
    check_memory(str(path), content.count(b",") * BYTES_A_CELL)
    try:
        rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is no CSV: {printable(error)[:100]}. {ALLOWED}") from error
    head = [name.strip() for name in rows[0]]
    at = next((number for number, name in enumerate(head) if name.lower() in LABEL), None)
    if at is None or [name.lower() in LABEL for name in head].count(True) != 1:
        raise UserError(f"{path} has not one column label but {amount_of(head)}. {ALLOWED}")
    names = {name: number for number, name in enumerate(name for place, name in enumerate(head) if place != at)}
    answers, labels = [], []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            labels.append(names[row[at]] if row[at] in names else int(row[at]))
            answers.append([float(cell) for place, cell in enumerate(row) if place != at])
            if len(row) != len(head) or abs(labels[-1]) >= 2**62:
                raise ValueError(f"{len(row)} cells for {len(head)} columns")
        except (ValueError, IndexError) as error:
            raise UserError(f"{path}, line {number}: {printable(error)[:100]}. {ALLOWED}") from error
    columns = tuple(printable(name)[:60] for place, name in enumerate(head) if place != at)
    return (
        columns,
        np.array(answers, dtype=np.float64).reshape(len(answers), len(columns)),
        np.array(labels, dtype=np.int64),
    )


def amount_of(head: list[str]) -> str:
    """The names of columns for people."""
    return printable(", ".join(head[:8]))[:160] or "none"


def _probabilities(table_NK: Tensor, where: str, said: str | None) -> tuple[Tensor, tuple[str, ...]]:
    """Rows of probabilities, of what are either these or logits; `said` is what the file calls them."""
    if not table_NK.isfinite().all():
        raise UserError(f"{where} holds answers that are infinite or no numbers.")
    sums_N, classes = table_NK.sum(1), table_NK.shape[1]
    slack = 1e-3 + 0.005 * classes  # of rows that were rounded to two digits
    inside = bool((table_NK >= 0).all() and (table_NK <= 1 + 1e-3).all())
    if said != "logits" and inside and bool(((sums_N - 1).abs() <= min(slack, 0.5)).all()):
        exact = bool(((sums_N - 1).abs() < 1e-3).all())
        rounded = () if exact else ("the rows are rounded; each was divided by its sum",)
        return (table_NK / sums_N[:, None]).float(), rounded
    if said == "probabilities" or (said is None and bool((table_NK >= 0).all()) and (inside or _percent(sums_N))):
        raise UserError(
            f"{where}: rows of probabilities are 1 in all, and these are {float(sums_N.min()):.3g} to "
            f"{float(sums_N.max()):.3g}{' (percentages? divide by 100)' if _percent(sums_N) else ''}. Give "
            "probabilities of all classes, or logits."
        )
    return table_NK.softmax(1).float(), ("the answers are logits; their softmax was taken",)


def _percent(sums_N: Tensor) -> bool:
    return bool(((sums_N - 100).abs() < 5).all())

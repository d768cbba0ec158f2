"""What `evaluation=` measured, by evaluation and unlearner: each model once, however many attacks looked at it."""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.groups import group

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

NAME, SETTINGS = "evaluation.name", "evaluation.settings."
BESIDE = ("retrained_", "original_")
"""Before the name of a number: the same between retrained models, and of the model before."""


class Measured(NamedTuple):
    """Models that differ in nothing but seeds and classes, all measured in one way; `runs` has a row for each."""

    dataset: str
    evaluation: str
    unlearner: str
    classes: str
    runs: "pd.DataFrame"

    def values(self, name: str) -> list[float]:
        """A number by its name in result.json, of all models for which it is defined."""
        column = f"evaluation.{name}"
        return [float(value) for value in self.runs[column].dropna()] if column in self.runs else []

    def mean(self, name: str) -> float | None:
        """The mean over the models; None unless it is defined for each of them."""
        values = self.values(name)
        return sum(values) / len(values) if values and len(values) == len(self.runs) else None

    def has(self, name: str) -> bool:
        """Whether it is defined for any model."""
        return bool(self.values(name))


def measured(runs: "pd.DataFrame") -> list[Measured]:
    """A line for each group of models, in the reports' order, controls last."""
    return sorted(lines(runs), key=lambda one: one.classes == "0") if NAME in runs else []


def lines(runs: "pd.DataFrame") -> Iterator[Measured]:
    """The lines, one evaluation after the other."""
    known = runs[(runs["status"] == "done") & runs[NAME].notna()]
    for name, of in known.groupby(NAME, sort=False):
        each = of["key_evaluation"] if "key_evaluation" in of else of["job"]  # a control is another one for each class
        models = of[~each.duplicated()]
        models = models.assign(
            attack="", screening="", job=each, attacked=each, settings=[digest(row) for _, row in settings(models)]
        )
        for (dataset, _, _, unlearner, count), members in group(models, None):
            yield Measured(dataset, str(name), unlearner, count, members)


def settings(models: "pd.DataFrame") -> "Iterator[tuple[object, pd.Series]]":
    """Each model's settings: its own digest, and the evaluation's."""
    own = [name for name in models if str(name).startswith(SETTINGS)]
    yield from models[["settings", *own]].iterrows()


def digest(row: "pd.Series") -> str:
    """Tells settings apart, those of the evaluation among them, in 8 hexadecimal digits."""
    return hashlib.sha256(repr(row.tolist()).encode()).hexdigest()[:8]


def numbers(of: list[Measured]) -> list[str]:
    """What these models have numbers of, without those that stand beside another one."""
    names: dict[str, None] = {}
    for one in of:
        for column in one.runs:
            name = str(column).removeprefix("evaluation.")
            if str(column).startswith("evaluation.") and "." not in name and not name.startswith(BESIDE):
                names |= {name: None} if number(one, str(column)) else {}
    return list(names)


def number(one: Measured, column: str) -> bool:
    """Whether a column holds numbers, and not words or lists."""
    values = one.runs[column].dropna()
    return bool(len(values)) and all(isinstance(value, int | float) for value in values.tolist())

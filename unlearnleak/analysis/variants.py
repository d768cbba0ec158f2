"""Finished runs by the cell of the paper's tables that they belong to; different settings stay apart.

A cell holds variants: runs that differ in nothing but seeds and classes, under the digest of their settings. The digest
is "" where there is one variant only.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import coo_array  # type: ignore[import-untyped, unused-ignore]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import cases, distinct

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Variants = dict[str, "pd.DataFrame"]


class Cell(NamedTuple):
    """What the runs of a cell have in common; `attack` and `screening` are empty for models."""

    forgotten: int
    attack: str
    screening: str
    dataset: str
    unlearner: str


def attacked(runs: "pd.DataFrame") -> dict[Cell, Variants]:
    """Runs by cell, as `unlearnleak table` groups them."""
    return by_cell(cases(runs), "settings")


def unlearned(runs: "pd.DataFrame") -> dict[Cell, Variants]:
    """Unlearned models by cell, each once, in one of its runs, however many attacks looked at it.

    A run's digest covers its attack too. Two digests stand for the same training and unlearning where they share a
    model: its key is made of all its settings.
    """
    return by_cell(shared(distinct(runs).assign(attack="", screening="")), "variant")


def by_cell(runs: "pd.DataFrame", apart: str) -> dict[Cell, Variants]:
    """Runs by cell and, within it, by the words in a column; the only one without its word."""
    found: dict[Cell, Variants] = {}
    for words, members in runs.groupby(["count", "attack", "screening", "dataset", "method"], sort=False):
        kinds = dict(list(members.groupby(apart)))
        found[Cell(*words)] = kinds if len(kinds) > 1 else {"": next(iter(kinds.values()))}
    return found


def shared(runs: "pd.DataFrame") -> "pd.DataFrame":
    """A run for each model of a cell; "variant" is the first digest of those that the cell's models share."""
    where = runs["dataset"] + " " + runs["method"] + " " + runs["count"].astype("string")
    ends = [(where + " " + runs[name]).factorize()[0] for name in ("settings", "attacked")]
    tails = ends[1] + ends[0].max(initial=-1) + 1
    size = tails.max(initial=-1) + 1
    _, label = connected_components(coo_array((np.ones(len(runs)), (ends[0], tails)), (size, size)), directed=False)
    part = label[ends[0]]
    return runs.assign(variant=runs["settings"].groupby(part).transform("min"), part=part).drop_duplicates(
        ["part", "attacked"]
    )


def failures(runs: "pd.DataFrame") -> int:
    """How many models failed the gate."""
    return int((runs["gate"] == "failed").sum())

"""Finished runs by the cell of the paper's tables that they belong to; different settings stay apart.

A cell holds variants: runs that differ in nothing but seeds and classes, under the digest of their settings. The digest
is "" where there is one variant only.
"""

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array  # type: ignore[import-untyped, unused-ignore]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import distinct, forgotten_count, method
from unlearnleak.analysis.groups import variants as by_settings
from unlearnleak.runs.stages import attacked_model

Run = dict[str, Any]
Variants = dict[str, list[Run]]


class Cell(NamedTuple):
    """What the runs of a cell have in common; `attack` and `screening` are empty for models."""

    forgotten: int
    attack: str
    screening: str
    dataset: str
    unlearner: str


def attacked(runs: list[Run]) -> dict[Cell, Variants]:
    """Runs by cell, as `unlearnleak table` groups them."""
    return {
        Cell(int(count), attack, screening, dataset, label): alone(of)
        for (dataset, attack, screening, label, count), of in by_settings(runs).items()
    }


def alone(variants: Variants) -> Variants:
    """The variants; the only one without its digest."""
    if len(variants) > 1:
        return variants
    (members,) = variants.values()
    return {"": members}


def unlearned(runs: list[Run]) -> dict[Cell, Variants]:
    """Unlearned models by cell, each once, in one of its runs, however many attacks looked at it.

    A run's digest covers its attack too. Two digests stand for the same training and unlearning where they share a
    model: its key is made of all its settings.
    """
    pools: dict[Cell, list[Run]] = defaultdict(list)
    for run in distinct(runs):
        pools[Cell(int(forgotten_count(run)), "", "", run["dataset"], method(run))].append(run)
    return {cell: variants(members) for cell, members in pools.items()}


def variants(runs: list[Run]) -> Variants:
    """The models of a cell, those of the same settings together, under the first of their runs' digests."""
    nodes: dict[tuple[str, str], int] = {}
    ends = [
        (nodes.setdefault(("settings", run.get("settings", "")), len(nodes)), nodes.setdefault(model(run), len(nodes)))
        for run in runs
    ]
    heads, tails = np.array(ends).T
    graph = coo_array((np.ones(len(ends)), (heads, tails)), shape=(len(nodes), len(nodes)))
    _, label = connected_components(graph, directed=False)
    found: dict[int, dict[tuple[str, str], Run]] = defaultdict(dict)
    for run, (head, _) in zip(runs, ends, strict=True):
        found[int(label[head])].setdefault(model(run), run)
    words = {one: min(run.get("settings", "") for run in models.values()) for one, models in found.items()}
    return {words[one] if len(found) > 1 else "": list(models.values()) for one, models in found.items()}


def model(run: Run) -> tuple[str, str]:
    """What tells unlearned models apart: their keys, or, where a run has none, its settings, seeds and classes."""
    if key := attacked_model(run):
        return "model", key
    return "model", repr((run.get("settings", ""), sorted(run.get("seeds", {}).items()), sorted(run["forgotten"])))


def failures(runs: list[Run]) -> int:
    """How many models failed the gate."""
    return sum(run["gate"] == "failed" for run in runs)

"""How often forgotten classes would be ranked first by luck: by an attack that ranks the same, whatever was forgotten.

An attack may have favourites: a class that it ranks first on most models is right whenever that one was forgotten, and
draws of classes are not even. So the forgotten sets are dealt out anew among the targets, each keeping its scores.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unlearnleak.analysis.compare import permuted
from unlearnleak.metric.verdict import forgotten_ranked_first

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]


class Luck(NamedTuple):
    """Forgotten sets that were ranked first, of n targets; how many would be by luck; one-sided p value."""

    first: int
    n: int
    expected: float
    p: float


def luck(scores_T: Sequence[Sequence[float | None]], forgotten_T: Sequence[Collection[int]]) -> Luck:
    """Hold T rankings against those of forgotten sets that are permuted over the targets.

    Args:
        scores_T: of each target, one at least, a score a class; the highest is most likely forgotten, None not judged.
        forgotten_T: the classes that each target forgot, one at least.
    """
    n = len(scores_T)
    right_TT = np.array([[ranked_first(scores, classes) for classes in forgotten_T] for scores in scores_T], dtype=int)
    expected = float(right_TT.sum()) / n
    places = np.arange(n)

    def hits(order: np.ndarray, axis: int) -> np.ndarray:
        counted: np.ndarray = right_TT[places, order].sum(axis)
        return counted

    first = int(right_TT.trace())
    if len(np.unique(right_TT, axis=1).T) < 2:  # what was forgotten makes no difference: any order is as right
        return Luck(first, n, expected, 1.0)
    return Luck(first, n, expected, permuted((places,), hits, "pairings", "greater"))


def ranked_first(scores: Sequence[float | None], classes: Collection[int]) -> bool:
    """Whether these classes have the highest scores of all that were judged; no class that was not judged has."""
    score_K = np.array(scores, dtype=float)  # None becomes no number
    truth_K = np.isin(np.arange(len(score_K)), list(classes))
    judged_K = ~np.isnan(score_K)
    if not judged_K[truth_K].all():
        return False
    return forgotten_ranked_first(score_K[judged_K], truth_K[judged_K]) == 1.0


def luck_of(runs: "pd.DataFrame") -> Luck | None:
    """That of a group of runs; None without scores, or where nothing was to be forgotten."""
    if "scores" not in runs:
        return None
    told = runs[(runs["gate"] != "control") & runs["scores"].notna()]
    told = told[told["forgotten"].map(len) > 0]
    return luck([*told["scores"]], [*told["forgotten"]]) if len(told) else None

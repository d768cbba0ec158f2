"""Averages over targets, with intervals.

A target is what an attacker faces: the original model's seed and the forgotten classes. Several runs on one target
(other screenings, other seeds of the attack or of unlearning) are one observation, their mean, not several. The same
target under several unlearners is drawn as one.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import bootstrap  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import FEW
from unlearnleak.metric.interval import RESAMPLES

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Target = str
"""As `runs.words.target` says it."""
Part = tuple[str, str]
"""A data set and an unlearner: what averages are made of."""


def by_target(runs: "pd.DataFrame", values: "pd.Series[float]") -> dict[Target, float]:
    """The mean of `values` over each target's runs, where there is a value."""
    means: dict[Target, float] = values.groupby(runs["target"], sort=False).mean().dropna().to_dict()
    return means


class Average(NamedTuple):
    """The mean over parts of the means over targets: every data set and every unlearner counts alike.

    n: targets, one under several unlearners counted once. parts: how many the average is of. few: whether a part has
    under FEW targets. pulls: how far each target pulls `mean` from what the others say, by data set.
    """

    mean: float
    n: int
    parts: int
    few: bool
    pulls: tuple[tuple[float, ...], ...]

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % BCa bootstrap interval (Efron, 1987) within [0, 1], targets drawn within their data set.

        None where a part has under FEW targets: that says too little of the spread.
        """
        if self.few:
            return None
        low, high = drawn(self.pulls)
        return max(0.0, self.mean + low), min(1.0, self.mean + high)


def average(parts: Mapping[Part, Mapping[Target, float]]) -> Average | None:
    """The average of the parts that have a value; None where none has.

    A target's pull is the sum, over the unlearners that met it, of its distance from their part's mean, weighted as in
    the average. For one part, drawing pulls is drawing values; for several, a target that one unlearner lacks (a failed
    job, other seeds) does not count as a low value.
    """
    kept = {part: values for part, values in parts.items() if values}
    if not kept:
        return None
    pulls: dict[str, dict[Target, float]] = defaultdict(lambda: defaultdict(float))
    means = {part: float(np.mean(list(values.values()))) for part, values in kept.items()}
    for (dataset, unlearner), values in kept.items():
        for one, value in values.items():
            pulls[dataset][one] += (value - means[dataset, unlearner]) / len(values) / len(kept)
    return Average(
        mean=float(np.mean(list(means.values()))),
        n=sum(map(len, pulls.values())),
        parts=len(kept),
        few=min(map(len, kept.values())) < FEW,
        pulls=tuple(tuple(of.values()) for of in pulls.values()),
    )


@lru_cache(maxsize=4096)  # many cells hold the same values
def drawn(pulls: tuple[tuple[float, ...], ...]) -> tuple[float, float]:
    """The interval of the sum of all pulls, each data set's drawn with replacement; same pulls, same interval."""
    samples = [np.array(values) for values in pulls]
    if max(np.ptp(sample) for sample in samples) <= 1e-12:
        return 0.0, 0.0

    def summed(*resampled: np.ndarray, axis: int = -1) -> np.ndarray:
        means = [len(sample) * values.mean(axis) for sample, values in zip(samples, resampled, strict=True)]
        total: np.ndarray = np.sum(means, axis=0)
        return total

    result = bootstrap(samples, summed, n_resamples=RESAMPLES, batch=1000, vectorized=True, rng=0)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)

"""How much of a metric's variance is between original models, and how much between the targets of one.

One-way random effects, by analysis of variance (Searle, Casella and McCulloch, Variance Components, 1992, chapter 3):
y_ij = mu + a_i + e_ij for target j of original model i. With A originals, n_i targets each, N in all,
n0 = (N - sum n_i^2 / N) / (A - 1), and mean squares MSB between and MSW within originals,
var(e) = MSW and var(a) = (MSB - MSW) / n0.

Where the same classes are forgotten in every original, what a class adds is no chance: it counts as rest and lowers
var(a) by about var(classes) / n0. An estimate of 0 between originals is then no proof that originals are alike.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import f as fisher  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import rank as by_method
from unlearnleak.analysis.variants import attacked, failures, unlearned

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

MODEL_METRICS = ("forget_acc", "retain_acc")


class Components(NamedTuple):
    """What the targets of some originals say. Variances in squared units of the metric, which is in [0, 1].

    between: as estimated, negative where originals differ by less than their targets' spread would make them.
    share: of the variance that is between originals, negative taken as 0, with its 95 % F interval (exact where all
    originals have as many targets). error: standard error of the mean; `error_alone` is what it would be if all targets
    were independent. why: what is missing where a number is None.
    """

    n: int
    originals: int
    mean: float
    between: float | None = None
    within: float | None = None
    share: float | None = None
    interval: tuple[float, float] | None = None
    error: float | None = None
    error_alone: float | None = None
    why: str = ""


def components(groups: Sequence[Sequence[float]], level: float = 0.95) -> Components:
    """The estimates from each original's targets; no group may be empty."""
    values = np.concatenate([np.asarray(group, dtype=np.float64) for group in groups])
    sizes = np.array([len(group) for group in groups])
    n, count = len(values), len(groups)
    known = Components(n=n, originals=count, mean=float(values.mean()))
    if n > 1:
        known = known._replace(error_alone=float(np.sqrt(values.var(ddof=1) / n)))
    if count < 2:
        within = None if n < 2 else float(values.var(ddof=1))
        return known._replace(within=within, why="one original model: what another would give cannot be estimated")
    if n == count:
        return known._replace(why="one target per original model: the two variances cannot be told apart")
    means = np.array([np.mean(group) for group in groups])
    n0 = (n - (sizes**2).sum() / n) / (count - 1)
    above = float((sizes * (means - values.mean()) ** 2).sum() / (count - 1))
    within = float(((values - np.repeat(means, sizes)) ** 2).sum() / (n - count))
    between = (above - within) / n0
    positive = max(0.0, between)
    known = known._replace(
        between=between,
        within=within,
        error=float(np.sqrt(positive * (sizes**2).sum() / n**2 + within / n)),
    )
    if np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()):
        return known._replace(why="all targets are alike")
    return known._replace(
        share=positive / (positive + within), interval=share_interval(above, within, n0, (count - 1, n - count), level)
    )


def share_interval(
    above: float, within: float, n0: float, freedom: tuple[int, int], level: float
) -> tuple[float, float]:
    """Where the true share var(a) / (var(a) + var(e)) lies: MSB / MSW over its own expectation is F distributed."""
    if within == 0:
        return 1.0, 1.0
    ratio = above / within
    ends = (ratio / fisher.ppf(tail, *freedom) for tail in ((1 + level) / 2, (1 - level) / 2))
    low, high = (float(np.clip((end - 1) / (end + n0 - 1), 0, 1)) for end in ends)
    return low, high


class Split(NamedTuple):
    """One metric of one cell. `attack` and `screening` are empty for accuracies, which are the model's own."""

    metric: str
    dataset: str
    attack: str
    screening: str
    unlearner: str
    settings: str
    forgotten: int
    runs: int
    failed: int
    found: Components


def splits(runs: "pd.DataFrame", metric: str) -> list[Split]:
    """A metric of every cell that has values; one observation per target, different settings apart."""
    cells = unlearned(runs) if metric in MODEL_METRICS else attacked(runs)
    split = []
    for cell, variants in cells.items():
        for settings, members in variants.items():
            targets = members.groupby(["original", "target"], sort=False)[metric].mean().dropna()
            if len(targets):
                words = (metric, cell.dataset, cell.attack, cell.screening, cell.unlearner, settings, cell.forgotten)
                kept = [of.tolist() for _, of in targets.groupby("original")]
                split.append(Split(*words, len(members), failures(members), components(kept)))
    return sorted(split, key=rank)


def rank(one: Split) -> tuple[Any, ...]:
    """Sort key: by data set and attack, the control last, the paper's order of unlearners."""
    words = (one.dataset, one.attack, one.screening, one.forgotten == 0, one.forgotten)
    return (*words, *by_method(one.unlearner), one.settings)

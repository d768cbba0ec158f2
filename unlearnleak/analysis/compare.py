"""Two sets of runs held against each other: what changed by more than chance.

Paired where both sides hold the same jobs (same words, classes and seeds, each once), else unpaired. Shares (exact
verdicts, rankings) are tested exactly: McNemar's test as a binomial test on the jobs that changed, or Fisher's exact
test. Means (ASR, accuracies) are tested by permutation: the signs of the paired differences, or the sides. All p
values of a comparison are adjusted together (Holm, 1979), since many cells are tested. Cells whose
pairs are all equal, as where a defence leaves an unlearner alone, are no test: they could not have said anything else,
and stay out of the adjustment (Gilbert, 2005, after Tarone, 1990).
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import (  # type: ignore[import-untyped, unused-ignore]
    binomtest,
    bootstrap,
    fisher_exact,
    permutation_test,
)

from unlearnleak.analysis.groups import FEW, controls_once, distinct, models
from unlearnleak.analysis.numbers import bounds, percent
from unlearnleak.metric.interval import bootstrap_mean, newcombe, newcombe_paired

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Words = tuple[str, ...]
Sides = tuple["pd.DataFrame", "pd.DataFrame"]
LEVEL = 0.05
RESAMPLES = 9999
EQUAL = "equal in every pair"
SHARES = {"exact_match": "exact verdicts", "forgotten_ranked_first": "forgotten ranked first"}
MEANS = {"asr": "ASR", "asr_published": "ASR as published"}
MODEL_MEANS = {"forget_acc": "forget accuracy", "retain_acc": "retain accuracy"}


class Change(NamedTuple):
    """One metric of one cell: mean before and after, their difference with its 95 % interval, and the test.

    `interval` is None below FEW runs a side. `pairs` is 0 where unpaired. `p` is the test's own,
    `q` the adjusted one.
    """

    words: Words
    metric: str
    before: float
    after: float
    n_before: int
    n_after: int
    pairs: int
    difference: float
    interval: tuple[float, float] | None
    test: str
    p: float
    q: float

    @property
    def changed(self) -> bool:
        """Whether the change is more than chance would give at LEVEL."""
        return self.q < LEVEL

    @property
    def equal(self) -> bool:
        """Whether the two sides hold the same value in every pair: nothing to test."""
        return self.test == EQUAL

    @property
    def what(self) -> str:
        """The cell in words."""
        dataset, model, unlearner, count, *attack = self.words
        many = "control" if count == "0" else f"{count} class{'' if count == '1' else 'es'}"
        return f"{dataset} {model}, {unlearner} ({many})" + (f": {' / '.join(attack)}" if attack else "")

    @property
    def sentence(self) -> str:
        """What changed, in a sentence."""
        way = "equal" if self.equal else "rose" if self.difference > 0 else "fell" if self.difference < 0 else "kept"
        if way in ("equal", "kept"):
            return f"{self.what}: {self.metric} stayed at {percent(self.before)} %."
        ends = f" {bounds(self.interval, 1)}" if self.interval else ""
        told = f"{self.pairs} pairs" if self.pairs else f"n {self.n_before} and {self.n_after}"
        return (
            f"{self.what}: {self.metric} {way} from {percent(self.before)} to {percent(self.after)} %: "
            f"{100 * self.difference:+.1f}{ends} points, {told}, adjusted p {self.q:.2g}."
        )


class Comparison(NamedTuple):
    """Every comparison, the surest change first, and how many were left out for having under FEW runs a side."""

    changes: list[Change]
    too_few: int


def compare(before: "pd.DataFrame", after: "pd.DataFrame") -> Comparison:
    """Every metric of every cell that both sides have FEW or more runs of, whatever their settings: these may be what
    changed.
    """
    found = []
    for words, of, metrics in (
        (["dataset", "model", "count", "attack", "screening"], verdicts, SHARES | MEANS),
        (["dataset", "model", "count"], models, MODEL_MEANS),
    ):
        for cell, sides in facing(of(before), of(after), words).items():
            found += [one for metric in metrics if (one := change(cell, metric, *sides)) is not None]
    enough = [one for one in found if min(one.n_before, one.n_after) >= FEW]
    tests = [one for one in enough if not one.equal]
    adjusted = holm([one.p for one in tests])
    judged = [one._replace(q=q) for one, q in zip(tests, adjusted, strict=True)]
    judged += [one for one in enough if one.equal]
    return Comparison(sorted(judged, key=lambda one: (one.q, one.p, one.words, one.metric)), len(found) - len(enough))


def verdicts(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Each job once, and each control once however many classes it was asked to forget."""
    return controls_once(distinct(runs))


def holm(values: list[float]) -> list[float]:
    """Adjusted p values: any of them is below LEVEL with that chance at most where nothing changed (Holm, 1979)."""
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted


def facing(before: "pd.DataFrame", after: "pd.DataFrame", words: list[str]) -> dict[Words, Sides]:
    """The cells that both sides have. A defence that is new is held against what was there without one, or against the
    only other one; the words then name both, such as "ft → ft + weight_noise".
    """
    found: dict[Words, Sides] = {}
    known = dict(list(before.groupby([*words, "undefended"])))
    for cell, runs in after.groupby([*words, "undefended"]):
        if cell not in known:
            continue
        there = dict(list(known[cell].groupby("method", sort=False)))
        for label, members in runs.groupby("method", sort=False):
            partner = label if label in there else cell[-1] if cell[-1] in there else next(iter(there))
            if partner != label and partner != cell[-1] and len(there) > 1:
                continue
            named = label if partner == label else f"{partner} → {label}"
            found[(*cell[:2], named, *map(str, cell[2:-1]))] = (there[partner], members)
    return found


def change(words: Words, metric: str, before: "pd.DataFrame", after: "pd.DataFrame") -> Change | None:
    """One metric of one cell; None where a side has no value for it."""
    sides = [side.dropna(subset=[metric]) for side in (before, after)]
    if not all(map(len, sides)):
        return None
    pairs = paired(sides[0], sides[1], metric)
    values = [side[metric].to_numpy(float) for side in sides] if pairs is None else list(pairs)
    test, p = judged(*values, paired=pairs is not None, share=metric in SHARES)
    return Change(
        words=words,
        metric=(SHARES | MEANS | MODEL_MEANS)[metric],
        before=float(values[0].mean()),
        after=float(values[1].mean()),
        n_before=len(values[0]),
        n_after=len(values[1]),
        pairs=0 if pairs is None else len(values[0]),
        difference=float(values[1].mean() - values[0].mean()),
        interval=interval(*values, paired=pairs is not None, share=metric in SHARES),
        test=test,
        p=p,
        q=p,
    )


def paired(before: "pd.DataFrame", after: "pd.DataFrame", metric: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The values of the jobs (same classes, same seeds) that both sides have.

    None where there are none, or a job cannot be told from another.
    """
    seeds = [  # a defence may have its own
        name
        for name in before
        if name.startswith("seeds.") and name in after and before[name].notna().all() and after[name].notna().all()
    ]
    sides = [side.set_index(["named", *seeds])[metric] for side in (before, after)]
    if not all(side.index.is_unique for side in sides):
        return None
    both = sides[0].to_frame("before").join(sides[1].to_frame("after"), how="inner")
    return (both["before"].to_numpy(float), both["after"].to_numpy(float)) if len(both) else None


def judged(before: np.ndarray, after: np.ndarray, *, paired: bool, share: bool) -> tuple[str, float]:
    """The test's name and its two-sided p value."""
    if paired and not (after - before).any():
        return EQUAL, 1.0
    if share and paired:
        gained, lost = int((after > before).sum()), int((after < before).sum())
        return "McNemar, exact", float(binomtest(gained, gained + lost).pvalue)
    if share:
        hits = [int(side.sum()) for side in (before, after)]
        table = [hits, [len(before) - hits[0], len(after) - hits[1]]]
        return "Fisher, exact", float(fisher_exact(table).pvalue)
    if paired:
        return "sign permutation", permuted((after - before,), lambda d, axis: d.mean(axis), "samples")
    if len(before) + len(after) < 3 or np.ptp(np.concatenate([before, after])) == 0:
        return "permutation", 1.0
    return "permutation", permuted((before, after), lambda a, b, axis: b.mean(axis) - a.mean(axis), "independent")


def permuted(samples: tuple[np.ndarray, ...], statistic: Any, kind: str, side: str = "two-sided") -> float:
    """SciPy's permutation test: all permutations where there are at most RESAMPLES, else as many drawn by a fixed seed.
    The p value of one value alone is 1: its sign could as well be the other.
    """
    if kind == "samples" and len(samples[0]) < 2:
        return 1.0
    result = permutation_test(
        samples,
        statistic,
        permutation_type=kind,
        alternative=side,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1000,
        rng=0,
    )
    return float(min(1.0, result.pvalue))


def interval(before: np.ndarray, after: np.ndarray, *, paired: bool, share: bool) -> tuple[float, float] | None:
    """95 % interval of the difference: Newcombe's of shares, else the bootstrap's of the means (BCa).

    None below FEW runs a side.
    """
    if min(len(before), len(after)) < FEW:
        return None
    if share and paired:
        had, has = before > 0, after > 0
        cells = (had & has, had & ~has, ~had & has, ~had & ~has)
        return newcombe_paired(*(int(cell.sum()) for cell in cells))
    if share:
        return newcombe((int(before.sum()), len(before)), (int(after.sum()), len(after)))
    if paired:
        return bootstrap_mean(after - before)
    if np.ptp(before) == 0 and np.ptp(after) == 0:
        difference = float(after[0] - before[0])
        return difference, difference
    result = bootstrap(
        (after, before), lambda a, b, axis: a.mean(axis) - b.mean(axis), vectorized=True, batch=1000, rng=0
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)

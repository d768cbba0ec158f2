"""Confidence intervals for shares and for means over runs."""

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 9999  # SciPy's default


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval (low, high) for a share of `successes` out of `n` (Wilson, 1927).

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), with p = successes / n and z the normal quantile at
    (1 + level) / 2. It stays within [0, 1] and keeps a length at p = 0 and 1. Without a trial it is (0, 1).
    """
    from scipy.stats import binomtest  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415  (a second)

    if n == 0:
        return 0.0, 1.0
    bounds = binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    return float(bounds.low), float(bounds.high)


def effective(hits: ArrayLike, sizes: ArrayLike) -> float:
    """Return of how many independent trials a share is worth, where trials of one cluster may go together.

    n divided by the design effect of a ratio (Rao and Scott, 1992, Biometrics 48, 577): the variance of the share over
    clusters, k / (k - 1) sum_i (x_i - p m_i)^2 / n^2, over that of n independent trials, p (1 - p) / n. At most n, and
    at least 1. Where every trial went alike nothing is seen of how clusters differ: then it is k, on the safe side.

    Args:
        hits: x_i, successes of each of k clusters.
        sizes: m_i, its trials.
    """
    x, m = np.asarray(hits, np.float64), np.asarray(sizes, np.float64)
    n, k = m.sum(), len(m)
    if n == 0:
        return 0.0
    p = x.sum() / n
    if p in (0, 1) or k == 1:
        return float(k)
    spread = k / (k - 1) * np.square(x - p * m).sum() / n**2
    return float(np.clip(n * (p * (1 - p) / n) / max(spread, 1e-300), 1, n))


def clustered(hits: ArrayLike, sizes: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share whose trials come in clusters, with the `effective` number of trials.

    Its lower end is at most, and its upper end at least, what k clusters that all went alike leave: a share with a few
    misses is not surer than one with none, where how clusters differ cannot be seen.
    """
    n, k, count = np.asarray(sizes).sum(), np.asarray(sizes).size, effective(hits, sizes)
    if not n:
        return 0.0, 1.0
    from scipy.stats import norm  # noqa: PLC0415  (a second)

    z, p = float(norm.ppf((1 + level) / 2)), float(np.asarray(hits).sum() / n)
    middle, width = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count**2))
    low, high = (middle - width) / (1 + z * z / count), (middle + width) / (1 + z * z / count)
    return float(min(max(0.0, low), wilson(k, k, level)[0])), float(max(min(1.0, high), wilson(0, k, level)[1]))


def bootstrap_mean(values: ArrayLike, level: float = 0.95, seed: int = 0) -> tuple[float, float] | None:
    """Return the BCa bootstrap interval (low, high) for the mean of `values` [n] (Efron, 1987).

    The same seed gives the same interval. None for fewer than two values, which say nothing about their
    spread; the value itself, twice, where all are equal. With under ten values it tends to be too narrow.
    """
    from scipy.stats import bootstrap  # noqa: PLC0415

    sample = np.asarray(values, dtype=np.float64)
    if sample.size < 2:
        return None
    if np.ptp(sample) <= 1e-12 * np.abs(sample).max():
        return float(sample.min()), float(sample.max())
    result = bootstrap((sample,), np.mean, confidence_level=level, n_resamples=RESAMPLES, batch=1000, rng=seed)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def newcombe(before: tuple[int, int], after: tuple[int, int], level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the difference of two independent shares, each successes of n, after less before.

    Newcombe 1998 (Statistics in Medicine 17, 873), method 10: the ends are as far from the difference as those of
    Wilson's intervals say together. It keeps a length where both shares are 0 or 1.
    """
    return _squared_and_added(before, after, 0.0, level)


def newcombe_paired(both: int, lost: int, gained: int, neither: int, level: float = 0.95) -> tuple[float, float]:
    """Return the same for pairs: successes on both sides, before alone, after alone, on neither.

    Newcombe 1998 (Statistics in Medicine 17, 2635), method 10: the two shares' correlation phi, in whose numerator half
    of n is taken off where it is positive, brings the ends nearer.
    """
    n = both + lost + gained + neither
    sides = (both + lost, gained + neither, both + gained, lost + neither)
    cross = both * neither - lost * gained
    phi = 0.0 if 0 in sides else (max(cross - n / 2, 0.0) if cross > 0 else cross) / float(np.sqrt(np.prod(sides)))
    return _squared_and_added((both + lost, n), (both + gained, n), phi, level)


def _squared_and_added(
    before: tuple[int, int], after: tuple[int, int], phi: float, level: float
) -> tuple[float, float]:
    (p1, (low1, high1)), (p2, (low2, high2)) = ((hits / n, wilson(hits, n, level)) for hits, n in (before, after))
    down, up = (p2 - low2, high1 - p1), (high2 - p2, p1 - low1)
    ends = [float(np.sqrt(max(0.0, a * a + b * b - 2 * phi * a * b))) for a, b in (down, up)]
    return max(-1.0, p2 - p1 - ends[0]), min(1.0, p2 - p1 + ends[1])


def auroc_interval(area: float, n: int, m: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of an AUROC over `n` and `m` independent observations of the two kinds.

    Newcombe 2006 (Statistics in Medicine 25, 559), method 5: the areas A from which `area` is no further than z times
    sqrt(A (1 - A) / (n m) (1 + ((n + m) / 2 - 1) ((1 - A) / (2 - A) + A / (1 + A)))): Hanley and McNeil's deviation
    with both sizes alike. It keeps a length where every score of one kind is above every one of the other.
    """
    from scipy.optimize import brentq  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
    from scipy.stats import norm  # noqa: PLC0415

    z = float(norm.ppf((1 + level) / 2))

    def beyond(a: float) -> float:
        spread = 1 + ((n + m) / 2 - 1) * ((1 - a) / (2 - a) + a / (1 + a))
        return float(abs(area - a) - z * np.sqrt(a * (1 - a) * spread / (n * m)))

    low = 0.0 if area <= 0 else float(brentq(beyond, 1e-12, area - 1e-12)) if beyond(1e-12) > 0 else 0.0
    high = 1.0 if area >= 1 else float(brentq(beyond, area + 1e-12, 1 - 1e-12)) if beyond(1 - 1e-12) > 0 else 1.0
    return low, high

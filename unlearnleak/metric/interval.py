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

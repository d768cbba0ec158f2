"""Was a sample learnt? Scores of samples, likelihoods from shadow models, and how well they tell.

Shape letters: P samples; S shadow models.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearnleak.metric.interval import auroc_interval
from unlearnleak.metric.verdict import auroc

RATES = {"1_in_100": 0.01, "1_in_1000": 0.001}
"""False positive rates at which true positive ones are given, by the words in their names."""
LEAST = 1e-30
"""Below it a probability counts as this one: answers of some defences are exactly 0."""
LEAST_VARIANCE = 1e-6
"""Of a Gaussian: shadow models that all answer alike must not be certain."""
Variance = Literal["pooled", "sample"]
Array = NDArray[np.float64]


def scaled_confidence(p_PK: ArrayLike, labels_P: ArrayLike) -> Array:
    """Return log p_y - log of the sum of all other answers, [P], of each sample's own class y.

    The logit-scaled confidence of Carlini et al. 2022 (https://arxiv.org/abs/2112.03570, section IV-C), which is nearly
    Gaussian over models: for a softmax it is the logit less the log-sum-exp of the others. The others are added up, so
    nothing is lost where p_y is nearly 1.
    """
    p, labels = np.asarray(p_PK, np.float64), np.asarray(labels_P)
    own_PK = np.arange(p.shape[1]) == labels[:, None]
    own, others = p[own_PK], np.where(own_PK, 0.0, p).sum(1)
    scaled: Array = np.log(np.maximum(own, LEAST)) - np.log(np.maximum(others, LEAST))
    return scaled


class Gaussians(NamedTuple):
    """A Gaussian for each sample: mean and variance, [P] each."""

    mean_P: Array
    variance_P: Array

    def log_density(self, x_P: Array) -> Array:
        """Of one value for each sample."""
        density: Array = -0.5 * (np.log(2 * np.pi * self.variance_P) + np.square(x_P - self.mean_P) / self.variance_P)
        return density


def gaussians(x_SP: ArrayLike, known_SP: ArrayLike, variance: Variance) -> Gaussians:
    """Return a Gaussian for each sample, fitted to the values of those models for which `known_SP` is true.

    Each sample has a mean of its own. Variances are unbiased: "sample" has one for each sample, "pooled" one for all of
    them, which few models tell surely enough (Carlini et al. 2022, section VI-D).

    Raises:
        ValueError: a sample has too few models: 1 for its mean, 2 for a variance of its own.
    """
    x, known = np.asarray(x_SP, np.float64), np.asarray(known_SP, bool)
    count_P = known.sum(0)
    if count_P.min() < (2 if variance == "sample" else 1):
        raise ValueError(f"a sample has {count_P.min()} models, too few for variance={variance}")
    mean_P = np.where(known, x, 0.0).sum(0) / count_P
    squares_P = np.where(known, np.square(x - mean_P), 0.0).sum(0)
    if variance == "sample":
        variance_P = squares_P / (count_P - 1)
    else:
        variance_P = np.full_like(mean_P, squares_P.sum() / max(1, int((count_P - 1).sum())))
    return Gaussians(mean_P, np.maximum(variance_P, LEAST_VARIANCE))


class Kernels(NamedTuple):
    """A kernel density for each sample: a Gaussian of one width around each value of its own, all of one weight.

    x_SP: the values, of which `known_SP` says which count. bandwidth: the standard deviation of each Gaussian.
    """

    x_SP: Array
    known_SP: NDArray[np.bool_]
    bandwidth: float

    def log_density(self, x_P: Array) -> Array:
        """Of one value for each sample."""
        from scipy.special import logsumexp  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415

        each_SP = -0.5 * np.square((x_P - self.x_SP) / self.bandwidth) - np.log(np.sqrt(2 * np.pi) * self.bandwidth)
        density: Array = logsumexp(each_SP, axis=0, b=self.known_SP) - np.log(self.known_SP.sum(0))
        return density


def kernels(x_SP: ArrayLike, known_SP: ArrayLike, bandwidth: float) -> Kernels:
    """Return a kernel density for each sample, of the values of those models for which `known_SP` is true.

    Raises:
        ValueError: a sample has no such model.
    """
    x, known = np.asarray(x_SP, np.float64), np.asarray(known_SP, bool)
    if not known.any(0).all():
        raise ValueError("a sample has no model, so it has no density")
    return Kernels(x, known, bandwidth)


def membership_metrics(score_P: ArrayLike, positive_P: ArrayLike) -> dict[str, Any]:
    """Return how well scores tell positives (larger scores) from the others.

    `auc` with Newcombe's interval (`auroc_interval`); the true positive rate where at most 1 in 100, and 1 in 1000, of
    the others are taken for positives, with the exact interval of Clopper and Pearson (1934) for a threshold that is
    taken as given. It is None where there are too few others for one of them to be so small a part. The intervals
    are over samples: of another model the numbers may be others still.
    """
    score, positive = np.asarray(score_P, np.float64), np.asarray(positive_P, bool)
    own, others = score[positive], score[~positive]
    area = auroc(score, positive)
    low, high = (None, None) if area is None else auroc_interval(area, len(own), len(others))
    found: dict[str, Any] = {"auc": area, "auc_low": low, "auc_high": high}
    for name, rate in RATES.items():
        found |= {f"tpr_at_{name}{end}": value for end, value in at_rate(own, others, rate).items()}
    return found


def at_rate(own: Array, others: Array, rate: float) -> dict[str, float | None]:
    """The true positive rate ("") at a false positive rate of at most `rate`, and its interval ("_low", "_high")."""
    allowed = int(rate * len(others) + 1e-9)
    if not allowed or not len(own):
        return dict.fromkeys(("", "_low", "_high"))
    from scipy.stats import binomtest  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415  (a second)

    threshold = np.sort(others)[::-1][allowed] if allowed < len(others) else -np.inf
    hits = int((own > threshold).sum())
    bounds = binomtest(hits, len(own)).proportion_ci(method="exact")
    return {"": hits / len(own), "_low": float(bounds.low), "_high": float(bounds.high)}

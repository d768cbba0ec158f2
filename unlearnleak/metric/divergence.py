"""How far the answers and the features of two models on the same samples are from each other.

Shape letters: N samples, K classes, D and E features of two models.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr  # type: ignore[import-untyped, unused-ignore]


def jensen_shannon(p_NK: ArrayLike, q_NK: ArrayLike) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence of each pair of distributions, in nats, [N].

    JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2 (Lin 1991, IEEE Trans. Inf. Theory 37, 145): 0 for
    equal ones, log 2 for ones that share no class, symmetric, and finite also where an answer is exactly 0, as answers
    of some defences are. Answers that do not sum to 1 are scaled; ones that are all 0 are taken as uniform.
    """
    p, q = normalised(p_NK), normalised(q_NK)
    middle = (p + q) / 2
    divergence_N = (rel_entr(p, middle).sum(1) + rel_entr(q, middle).sum(1)) / 2
    clipped: NDArray[np.float64] = np.clip(divergence_N, 0.0, np.log(2.0))
    return clipped


def normalised(p_NK: ArrayLike) -> NDArray[np.float64]:
    """Return answers as distributions: rows that sum to 1, uniform where a row is all 0."""
    p = np.asarray(p_NK, np.float64)
    total_N1 = p.sum(1, keepdims=True)
    return np.where(total_N1 > 0, p / np.where(total_N1 > 0, total_N1, 1.0), 1 / p.shape[1])


def shares(p_NK: ArrayLike) -> NDArray[np.float64]:
    """Return which share of the samples each class is the answer to (the largest one), [K]. NaN without a sample."""
    p = np.asarray(p_NK)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = np.bincount(p.argmax(1), minlength=p.shape[1]) / np.float64(len(p))
    return found


def total_variation(p_K: ArrayLike, q_K: ArrayLike) -> float:
    """Return the total variation distance of two distributions: half the sum of |p - q|, from 0 to 1."""
    return float(np.abs(np.asarray(p_K, np.float64) - np.asarray(q_K, np.float64)).sum() / 2)


def linear_cka(x_ND: ArrayLike, y_NE: ArrayLike) -> float | None:
    """Return the linear centred kernel alignment of two models' features of the same samples, from 0 to 1.

    ||Y'X||^2 / (||X'X|| ||Y'Y||) in Frobenius norms, columns centred (Kornblith et al. 2019,
    https://arxiv.org/abs/1905.00414, eq. 5): 1 where one is the other turned, shifted and scaled. None where the
    features of either do not differ from sample to sample.
    """
    x, y = (np.asarray(each, np.float64) for each in (x_ND, y_NE))
    x, y = x - x.mean(0), y - y.mean(0)
    if max(x.shape[1], y.shape[1]) <= len(x):
        across, own = np.square(x.T @ y).sum(), [float(np.linalg.norm(each.T @ each)) for each in (x, y)]
    else:  # the same by N x N similarities, where there are fewer samples than features
        kernels = [each @ each.T for each in (x, y)]
        across, own = (kernels[0] * kernels[1]).sum(), [float(np.linalg.norm(kernel)) for kernel in kernels]
    return None if min(own) <= 0 else min(1.0, float(across / (own[0] * own[1])))

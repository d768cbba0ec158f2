"""The cut between two groups of values that tells them apart best, and how well it does."""

import torch
from torch import Tensor

LEAST = 0.5
"""A calibration whose best J is below this tells nothing: where labels mean nothing, 24 shadow targets of ten classes
reach 0.25, and real ones 1.
"""


def best_cut(values_N: Tensor, forgotten_N: Tensor) -> tuple[float, float]:
    """The threshold t that maximises J = TPR - FPR of the rule "forgotten if value <= t", and that J.

    Thresholds half-way between neighbouring values are tried; of several that are equally good the middle one is taken,
    and a gap between the groups is cut in its middle. Where no threshold beats chance (J = 0) it is the largest value.
    Youden 1950, "Index for rating diagnostic tests", Cancer 3, 32-35.

    Args:
        values_N: any real values, smaller for forgotten.
        forgotten_N: bool, both values present.
    """
    order_N = values_N.argsort()
    sorted_N, hits_N = values_N[order_N].double(), forgotten_N[order_N].double()
    tpr_N = hits_N.cumsum(0) / hits_N.sum()
    fpr_N = (1 - hits_N).cumsum(0) / (1 - hits_N).sum()
    cut = torch.cat([sorted_N[1:] > sorted_N[:-1], torch.ones(1, dtype=torch.bool, device=values_N.device)])
    youden_N = torch.where(cut, tpr_N - fpr_N, -torch.inf)
    best = (youden_N >= youden_N.max() - 1e-12).nonzero()[:, 0]
    index = int(best[len(best) // 2])
    following = sorted_N[index + 1] if index + 1 < len(sorted_N) else sorted_N[index]
    return float((sorted_N[index] + following) / 2), float(youden_N[index])

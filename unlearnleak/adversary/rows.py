"""How far each row of the last layer moved from the model before to the model after, and what that says of labels."""

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox


def moved_shares(after: WhiteBox, before: WhiteBox) -> Tensor:
    """mean_d |W'_cd - W_cd| + |b'_c - b_c| of each class c as a share of all, [K]; all 0 where no row moved.

    Source: "Unlearning Inversion Attacks for Federated Unlearning", https://arxiv.org/abs/2508.06789 (ULIA).
    """
    (weight_KD, bias_K), (before_KD, before_K) = after.head(), before.head()
    return row_shares(weight_KD - before_KD, bias_K - before_K)


def row_shares(weight_KD: Tensor, bias_K: Tensor) -> Tensor:
    """The same of rows that are differences already, [K]."""
    moved_K = weight_KD.abs().mean(1) + bias_K.abs()
    return moved_K / moved_K.sum().clamp(min=torch.finfo(moved_K.dtype).tiny)


def inferred_labels(share_K: Tensor, count: int, *, of_one: float = 0.5) -> Tensor:
    """The likeliest labels [N] (int64, ascending) of `count` forgotten images, given each class's share of something.

    Labels are taken one after another from the class that has most left, and each takes what one of N images makes up,
    `of_one` / N. Of the movement of the head's rows that is 1 / 2N: the gradient of an image's loss moves the row of
    its own class as far as all others together.
    """
    left_K = share_K.detach().cpu().clone()
    labels = []
    for _ in range(count):
        labels.append(int(left_K.argmax()))
        left_K[labels[-1]] -= of_one / count
    return torch.tensor(sorted(labels), dtype=torch.int64)


def signed_labels(slope_K: Tensor, count: int) -> Tensor:
    """The likeliest labels [N] (int64, ascending) of `count` images, given their loss gradient of the head's bias.

    Of a cross-entropy that is p_c - [c is the label], so that only the labels' entries are negative, however sure the
    model is of each image (iDLG, Zhao et al. 2020, https://arxiv.org/abs/2001.02610). Each negative entry gives one
    label, the lowest first; images that are left over go where the mean entry of those already there is lowest.
    """
    slope_K = slope_K.detach().cpu()
    order = slope_K.argsort(stable=True).tolist()
    labels = [c for c in order if slope_K[c] < 0][:count] or order[:1]
    taken_K = torch.bincount(torch.tensor(labels), minlength=len(slope_K))
    while len(labels) < count:
        share_K = torch.where(taken_K > 0, slope_K / (taken_K + 1), torch.inf)
        labels.append(int(share_K.argmin()))
        taken_K[labels[-1]] += 1
    return torch.tensor(sorted(labels), dtype=torch.int64)

"""Seeded, stratified draws over labels. Shape letters: N samples, C channels, K classes."""

import torch
from torch import Tensor

# Raise when the same seed divides the same labels differently from before: every fingerprint contains it.
SPLIT_VERSION = 1


def rank_in_class(labels_N: Tensor, num_classes: int, generator: torch.Generator) -> Tensor:
    """Give each sample a uniformly random rank among the samples of its class: 0..n_c-1, int64 [N].

    One draw serves every part of a split: a range of ranks is a stratified random sample, ranges that do not
    overlap share no sample, a longer range holds the shorter one, and a mask over ranks keeps the order.
    """
    order_N = torch.randperm(len(labels_N), generator=generator)
    order_N = order_N[labels_N[order_N].argsort(stable=True)]
    counts_K = torch.bincount(labels_N, minlength=num_classes)
    starts_K = counts_K.cumsum(0) - counts_K
    rank_N = torch.empty_like(order_N)
    rank_N[order_N] = torch.arange(len(labels_N)) - starts_K.repeat_interleave(counts_K)
    return rank_N


def largest_remainder(counts_K: Tensor, total: int) -> Tensor:
    """Share `total` places among classes in proportion to their counts, int64 [K] with sum `total`.

    The largest-remainder rule (Hamilton's): every class gets the whole part of its share, and the places left
    go to the largest fractions, the lower class first among equals. In whole numbers: nothing is rounded.
    """
    shares_K = counts_K * total
    places_K = shares_K // counts_K.sum()
    fractions_K = shares_K % counts_K.sum()
    left = total - int(places_K.sum())
    places_K[fractions_K.argsort(descending=True, stable=True)[:left]] += 1
    return places_K


def channel_statistics(images_NCHW: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and population standard deviation of each channel of uint8 images, with values in [0, 1].

    From the histogram of the 256 values: exact sums, so the result depends on no thread count and no order.
    """
    value = torch.arange(256)
    mean, std = [], []
    for channel in range(images_NCHW.shape[1]):
        histogram = torch.bincount(images_NCHW[:, channel].flatten(), minlength=256)
        count, first, second = (int((histogram * value**power).sum()) for power in (0, 1, 2))
        mean.append(first / count / 255)
        std.append((count * second - first**2) ** 0.5 / count / 255)
    return tuple(mean), tuple(std)

"""How much a model knows of the forgotten and of the retained classes.

Shape letters: N samples, K classes. Counts are kept per class, so that one pass over the data serves every
set of forgotten classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]


def class_counts(predictions_N: ArrayLike, labels_N: ArrayLike, num_classes: int) -> tuple[Counts, Counts]:
    """Return (correct_K, total_K): how many samples of each class are predicted rightly, and how many it has.

    Predictions and labels are class numbers in 0..K-1. Raises ValueError if their shapes differ or a label is
    out of range.
    """
    predictions, labels = np.asarray(predictions_N), np.asarray(labels_N, dtype=np.int64)
    if predictions.shape != labels.shape or labels.ndim != 1:
        raise ValueError(f"predictions of shape {predictions.shape} do not fit labels of shape {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(f"labels {labels.min()}..{labels.max()} are not all in 0..{num_classes - 1}")
    correct_K = np.bincount(labels[predictions == labels], minlength=num_classes)
    return correct_K, np.bincount(labels, minlength=num_classes)


def forget_accuracy(correct_K: ArrayLike, total_K: ArrayLike, classes: Sequence[int]) -> float | None:
    """Return Σ_{c forgotten} correct_c / Σ_{c forgotten} total_c: every sample weighs the same.

    `classes` are the forgotten ones. None if they have no samples.
    """
    return _accuracy(correct_K, total_K, classes, forgotten=True)


def retain_accuracy(correct_K: ArrayLike, total_K: ArrayLike, classes: Sequence[int]) -> float | None:
    """Return the same over all classes but the forgotten `classes`. None if those have no samples."""
    return _accuracy(correct_K, total_K, classes, forgotten=False)


def _accuracy(correct_K: ArrayLike, total_K: ArrayLike, classes: Sequence[int], *, forgotten: bool) -> float | None:
    correct, total = np.asarray(correct_K), np.asarray(total_K)
    wanted = np.isin(np.arange(len(total)), list(classes), invert=not forgotten)
    samples = int(total[wanted].sum())
    return int(correct[wanted].sum()) / samples if samples else None

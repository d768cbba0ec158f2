"""Attacks that ask about the labelled images and nothing else: what they collect is in a table of answers.

K classes, N images. A class's mean in the place of its images, as classes may have different numbers of them;
screenings take that mean themselves.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import Confidences, Margins
from unlearnleak.attack.aux_margin import LEAST


def confidences(p_NK: Tensor, labels_N: Tensor) -> Confidences:
    """What `aux_confidence` collects: the mean probability of the right class, [K, 1, 1]."""
    own_N = p_NK.gather(1, labels_N[:, None])[:, 0]
    return Confidences(samples_KMF=class_means(own_N, labels_N, p_NK.shape[1]), queries=len(p_NK))


def margins(p_NK: Tensor, labels_N: Tensor) -> Margins:
    """What `aux_margin` collects: the mean of log p of the right class, less that of the others, [K, 1, 1]."""
    log_NK, K = p_NK.clamp(min=LEAST).log(), p_NK.shape[1]
    own_N = log_NK.gather(1, labels_N[:, None])[:, 0]
    margin_N = own_N - (log_NK.sum(1) - own_N) / (K - 1)
    return Margins(samples_KMF=class_means(margin_N, labels_N, K), queries=len(p_NK))


def class_means(value_N: Tensor, labels_N: Tensor, classes: int) -> Tensor:
    """The mean of each class, [K, 1, 1]."""
    return torch.stack([value_N[labels_N == c].mean() for c in range(classes)])[:, None, None]


BY_ANSWERS: dict[str, Callable[[Tensor, Tensor], Confidences | Margins]] = {
    "aux_confidence": confidences,
    "aux_margin": margins,
}
"""From probabilities [N, K] and labels [N] to an attack's evidence, by its name."""

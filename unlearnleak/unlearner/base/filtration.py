"""Linear filtration: a linear map of the logits that takes forgotten classes out, put into the head.

Baumhauer et al. 2022, Machine Unlearning: Linear Filtration for Logit-based Classifiers,
https://arxiv.org/abs/2002.02730. `unlearner=linear_filtration` and `defense=linear_filtration` are made of this.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.model.base import Classifier
from unlearnleak.training.predict import EVALUATION_BATCH

Mode = Literal["normalization", "randomization", "zeroing"]


def mean_logits(model: Classifier, parts: Sequence[LabeledImages]) -> Tensor:
    """A [K, K], float64 on the CPU: column j holds the mean logits of the images of class j, over all `parts`."""
    K = model.num_classes
    sum_KK, count_K = torch.zeros(K, K, dtype=torch.float64), torch.zeros(K, dtype=torch.float64)
    for part in parts:
        batches = zip(part.images.split(EVALUATION_BATCH), part.labels.cpu().split(EVALUATION_BATCH), strict=True)
        for images, labels_N in batches:
            sum_KK.index_add_(0, labels_N, model(model.normalize(images)).double().cpu())
            count_K += torch.bincount(labels_N, minlength=K)
    return (sum_KK / count_K[:, None]).T


def wanted_logits(mean_KK: Tensor, classes: Sequence[int], mode: Mode, generator: torch.Generator) -> Tensor:
    """B [K, K]: what A is to become.

    Retained classes' logits stay for retained images. For images of a forgotten class they are shifted to the mean that
    they have for retained images (normalization), drawn from N(0, 1), or zero. The logit of a forgotten class becomes
    that of the lowest wrong class, so that it is never the largest.
    """
    retained = [c for c in range(len(mean_KK)) if c not in classes]
    wanted_KK = mean_KK.clone()
    for c in classes:
        logits_R = mean_KK[retained, c]
        if mode == "normalization":
            wanted_KK[retained, c] = logits_R + mean_KK[retained][:, retained].mean() - logits_R.mean()
        elif mode == "randomization":
            wanted_KK[retained, c] = torch.randn(len(retained), generator=generator, dtype=torch.float64)
        else:
            wanted_KK[retained, c] = 0
    if len(retained) > 1:  # or there is no wrong class beside the forgotten ones
        wrong_RK = mean_KK[retained]
        wrong_RK[range(len(retained)), retained] = torch.inf
        lowest_K = wrong_RK.amin(0)
        lowest_K[list(classes)] = lowest_K[retained].mean()
        wanted_KK[list(classes)] = lowest_K
    return wanted_KK


def filtration(mean_KK: Tensor, wanted_KK: Tensor, rtol: float) -> Tensor:
    """F [K, K] = I + (B - A) A^+, which is B A^-1 where A has an inverse and none of its directions is left out."""
    inverse_KK: Tensor = torch.linalg.pinv(mean_KK, rtol=rtol)
    return torch.eye(len(mean_KK), dtype=mean_KK.dtype) + (wanted_KK - mean_KK) @ inverse_KK


@torch.no_grad()
def filter_head(model: Classifier, split: ForgetSplit, mode: Mode, rtol: float, generator: torch.Generator) -> None:
    """Put the filter of the images' mean logits into the head of the model: W <- F W and b <- F b."""
    head = model.linear_head()
    mean_KK = mean_logits(model, [split.forget, split.retain])
    wanted_KK = wanted_logits(mean_KK, split.classes, mode, generator)
    filter_KK = filtration(mean_KK, wanted_KK, rtol)
    for tensor in filter(lambda tensor: tensor is not None, (head.weight, head.bias)):
        tensor.copy_(filter_KK @ tensor.double().cpu())

"""linear_filtration: a linear map of the logits that takes forgotten classes out, put into the head."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.defense.base import Defense
from unlearnleak.errors import UserError, require
from unlearnleak.model.base import Classifier
from unlearnleak.training.fit import EVALUATION_BATCH

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


class LinearFiltration(Defense):
    """W <- F W and b <- F b with F = B A^-1, A the mean logits of each class's training images (a column each).

    Baumhauer et al. 2022, Machine Unlearning: Linear Filtration for Logit-based Classifiers,
    https://arxiv.org/abs/2002.02730. In B retained classes' logits stay for retained images, and for images of a
    forgotten class they are what `mode` says. Two differences. A forgotten class's own logit, which the reference takes
    out of the model, becomes that of the lowest wrong class, since a model here keeps its classes. And directions of A
    in which the class means hardly differ are left out of its inverse, which would blow them up: after unlearning, a
    forgotten class's mean logits are nearly a mixture of the others'.

    Images of every class are needed, which a fine-tuning stage on few images may not have; what the pretraining taught
    of a forgotten class is taken out with the rest. Where nothing was forgotten, nothing changes. Classes are taken
    out whole, so it is refused where a part of one was to be forgotten.

    Args:
        mode: "normalization", "randomization" or "zeroing" of the logits for images of forgotten classes.
        rtol: singular values of A below this share of the largest are left out; 0 leaves none out.

    Raises `UserError` for an unknown mode, or an rtol outside [0, 1).
    """

    version = 1
    needs_truth = True
    levels = frozenset({"class"})
    needs_head = True

    def __init__(self, *, mode: Mode, rtol: float) -> None:
        require(0 <= rtol < 1, "defense.rtol", rtol, "0 or more and below 1")
        self.mode, self.rtol = mode, float(rtol)

    def check_counts(self, counts_K: Sequence[int]) -> None:
        """Raises UserError where a class has no image, so that its mean logits are not known."""
        if missing := [c for c, count in enumerate(counts_K) if not count]:
            raise UserError(
                f"{self._word()} needs images of every class among those that can be forgotten, and has none of class "
                f"{missing[0]}. Raise finetuning.samples, or take another defense, such as head_repair."
            )

    @torch.no_grad()
    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model with filtered logits: its head is another one."""
        model.check_head(self._word())
        if not split.classes:
            return model
        head = model.linear_head()
        mean_KK = mean_logits(model, [split.forget, split.retain])
        wanted_KK = wanted_logits(mean_KK, split.classes, self.mode, generator)
        filter_KK = filtration(mean_KK, wanted_KK, self.rtol)
        for tensor in filter(lambda tensor: tensor is not None, (head.weight, head.bias)):
            tensor.copy_(filter_KK @ tensor.double().cpu())
        return model

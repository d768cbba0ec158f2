"""top_k: only the largest answers are told."""

from typing import Literal

import torch
from torch import Tensor

from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import undefended

Rest = Literal["zero", "spread"]


class TopK(Defense):
    """The k largest of softmax(f(x)) as they are; of the others nothing is told.

    Shokri et al. 2017, Membership Inference Attacks Against Machine Learning Models, https://arxiv.org/abs/1610.05820,
    on mitigation (top k classes). With rest=zero the others are 0, and answers add up to what the k have: less than 1.
    With rest=spread the others share what is left of 1 alike, so that answers stay distributions. The largest stays
    the largest: accuracies and a label-only attacker see no difference. A white box sees through. What was forgotten
    does not matter: a control answers alike.

    Args:
        k: how many are told, at least 1 and at most all classes, which changes nothing.
        rest: what is told of the others, "zero" or "spread".

    Raises `UserError` for other values.
    """

    version = 1

    def __init__(self, *, k: int, rest: Rest) -> None:
        require(k >= 1, "defense.k", k, "1 or more")
        self.k, self.rest = k, rest

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where there are not so many classes."""
        require(self.k <= num_classes, "defense.k", self.k, f"there are {num_classes} classes; take at most that many")

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """The k largest probabilities and what is told of the others [N, K]."""
        p_NK = undefended(model, x_NCHW)
        largest_Nk, place_Nk = p_NK.topk(self.k, dim=1)
        others = p_NK.shape[1] - self.k
        told_NK = torch.zeros_like(p_NK)
        if self.rest == "spread" and others:
            told_NK += (1 - largest_Nk.sum(1, keepdim=True)).clamp_min(0) / others
        return told_NK.scatter(1, place_Nk, largest_Nk)

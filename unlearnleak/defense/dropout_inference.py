"""dropout_inference: each answer leaves out some features."""

from typing import Any

import torch
from torch import Tensor

from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import undefended


class DropoutInference(Defense):
    """softmax(W (phi(x) * m / (1 - p)) + b) with m a new draw of zeros (each with probability p) and ones.

    Dropout (Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html) that stays on where the model
    answers, on the input of the head. TC-UMIA, https://arxiv.org/abs/2605.01129, finds it better against membership
    inference than labels alone or training with differential privacy. Every image is drawn for anew at every query, so
    the mean of many queries comes near the undefended answer: an attacker pays in queries. Answers stay distributions;
    accuracies are of one draw. A white box sees through. What was forgotten does not matter: a control answers alike.

    Args:
        share: p, from 0, which changes nothing, to below 1.

    Raises `UserError` for another share, and for a model without a linear head.
    """

    version = 1
    needs_head = True

    def __init__(self, *, share: float) -> None:
        require(0 <= share < 1, "defense.share", share, "0 or more and below 1, the share of the features to leave out")
        self.share = float(share)

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Answers [N, K] with features left out, drawn on the CPU: the same for every device."""
        model.check_head(self._word())

        def leave_out(_: Any, inputs: tuple[Tensor, ...]) -> Tensor:
            (phi_ND,) = inputs
            kept_ND = torch.rand(phi_ND.shape, generator=generator) >= self.share
            return phi_ND * kept_ND.to(phi_ND) / (1 - self.share)

        hook = model.linear_head().register_forward_pre_hook(leave_out)
        try:
            return undefended(model, x_NCHW)
        finally:
            hook.remove()

"""output_rounding: answers are told with a few digits only."""

import torch
from torch import Tensor

from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import undefended

MOST_DIGITS = 7
"""What a float32 between 0 and 1 has."""


class OutputRounding(Defense):
    """round(softmax(f(x)), digits): each probability by itself, half to even.

    Shokri et al. 2017, Membership Inference Attacks Against Machine Learning Models, https://arxiv.org/abs/1610.05820,
    on mitigation (coarse precision). The answers need not add up to 1 and are left so: dividing by their sum would
    give digits back. What is below half a unit of the last digit is 0. With few digits several classes may be the
    largest alike, of which the first is the decision, so accuracies may change. A white box sees through. What was
    forgotten does not matter: a control answers alike.

    Args:
        digits: after the point, from 0 to 7.

    Raises `UserError` for others.
    """

    version = 1

    def __init__(self, *, digits: int) -> None:
        require(
            0 <= digits <= MOST_DIGITS, "defense.digits", digits, f"from 0 to {MOST_DIGITS}, which is all there are"
        )
        self.digits = digits

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """The rounded answers [N, K]."""
        return undefended(model, x_NCHW).round(decimals=self.digits)

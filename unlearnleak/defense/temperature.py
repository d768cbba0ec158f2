"""temperature: answers are softened."""

import torch
from torch import Tensor

from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier


class Temperature(Defense):
    """softmax(f(x) / T) in place of softmax(f(x)).

    Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599; as a defence of answers
    Shokri et al. 2017, Membership Inference Attacks Against Machine Learning Models, https://arxiv.org/abs/1610.05820,
    on mitigation. Above 1 the answers come nearer to each other, below 1 nearer to the decision alone. They stay
    distributions, and the largest stays the largest: accuracies and a label-only attacker see no difference. Who knows
    T takes it off again. A white box sees through. What was forgotten does not matter: a control answers alike.

    Args:
        temperature: T, above 0; 1 changes nothing.

    Raises `UserError` for another one.
    """

    version = 1

    def __init__(self, *, temperature: float) -> None:
        require(temperature > 0, "defense.temperature", temperature, "above 0; 1 changes nothing")
        self.temperature = float(temperature)

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """The softened answers [N, K]."""
        logits_NK: Tensor = model(x_NCHW)
        return (logits_NK / self.temperature).softmax(1)

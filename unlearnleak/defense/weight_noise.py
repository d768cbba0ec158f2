"""weight_noise: noise on every parameter before the model is shipped."""

import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.errors import require
from unlearnleak.model.base import Classifier


class WeightNoise(Defense):
    """theta + N(0, (scale * std)^2) for each tensor of parameters, std the deviation of its own entries.

    Hu et al. 2024, Learn What You Want to Unlearn, https://arxiv.org/abs/2404.03233, on parameter obfuscation. Buffers,
    such as the running statistics of batch normalisation, stay as they are. A tensor of one entry has no deviation and
    stays too.

    Args:
        scale: of the noise, as a share of each tensor's deviation.

    Raises `UserError` for a negative scale.
    """

    version = 1

    def __init__(self, *, scale: float) -> None:
        require(scale >= 0, "defense.scale", scale, "0 or more")
        self.scale = scale

    @torch.no_grad()
    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model with noise, drawn on the CPU: the same for every device."""
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator).to(parameter)
            parameter.add_(self.scale * parameter.std(correction=0) * noise)
        return model

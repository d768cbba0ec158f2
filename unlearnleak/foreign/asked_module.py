"""A callable as a module: images in, answers out, no gradients; what it is made of stays its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Answerer = Callable[[Tensor], Any]
"""Normalised float images [N, C, H, W] to logits or probabilities [N, K], a tensor or an array of NumPy."""


class AskedModule(nn.Module):
    """Asks `answer` and gives what it says as a float tensor. A copy asks the same one."""

    def __init__(self, answer: Answerer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """The answers [N, K]."""
        said = self.answer(x_NCHW.detach())
        tensor = said if isinstance(said, Tensor) else torch.from_numpy(np.ascontiguousarray(said))
        return tensor.detach().to(x_NCHW)

    def __deepcopy__(self, memo: dict[int, Any]) -> "AskedModule":
        return AskedModule(self.answer)

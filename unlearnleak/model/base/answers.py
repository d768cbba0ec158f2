"""What a model answers when it can only be asked: probabilities, unless a defence stands before it."""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

from unlearnleak.model.base import Classifier

Answering: TypeAlias = Callable[[Classifier, Tensor], Tensor]
"""A model and normalised images [N, C, H, W] to probabilities [N, K]."""


def undefended(model: Classifier, x_NCHW: Tensor) -> Tensor:
    """softmax f(x) [N, K]: the answers of a model that is shipped as it is."""
    logits_NK: Tensor = model(x_NCHW)
    return logits_NK.softmax(1)

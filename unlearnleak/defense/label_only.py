"""label_only: the decision is all that is told."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from unlearnleak.defense.base import Defense
from unlearnleak.model.base import Classifier


class LabelOnly(Defense):
    """1 for argmax f(x) and 0 for every other class.

    Shokri et al. 2017, Membership Inference Attacks Against Machine Learning Models, https://arxiv.org/abs/1610.05820,
    on mitigation (the label without its probability). Accuracies and a label-only attacker see no difference, and an
    attacker who counts decisions over many images learns what is left to learn. A white box sees through. What was
    forgotten does not matter: a control answers alike.
    """

    version = 1

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """One-hot answers [N, K]."""
        logits_NK: Tensor = model(x_NCHW)
        return one_hot(logits_NK.argmax(1), logits_NK.shape[1]).to(logits_NK)

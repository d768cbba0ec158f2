"""prune: the smallest weights become zero before the model is shipped."""

import torch
from torch import nn
from torch.nn.utils.prune import L1Unstructured, global_unstructured, remove

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.errors import UserError, require
from unlearnleak.model.base import Classifier

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class Prune(Defense):
    """w <- 0 where |w| is among the smallest `share` of all weights of all layers together.

    Hu et al. 2024, Learn What You Want to Unlearn, https://arxiv.org/abs/2404.03233, on model pruning: global magnitude
    pruning. Weights of convolutions and linear layers, the head's too, are ranked as one; biases and normalisation stay
    as they are. What was forgotten does not matter: a control is pruned alike.

    Args:
        share: of the weights that become zero, from 0 to below 1.

    Raises `UserError` for another share, and for a model without such layers.
    """

    version = 1

    def __init__(self, *, share: float) -> None:
        require(0 <= share < 1, "defense.share", share, "0 or more and below 1, the share of the weights to remove")
        self.share = float(share)

    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The model with zeros among its weights, which a file of it holds as well."""
        layers = [(module, "weight") for module in model.modules() if isinstance(module, LAYERS)]
        if not layers:
            raise UserError(f"defense=prune finds no convolution or linear layer in a {type(model).__name__}.")
        global_unstructured(layers, pruning_method=L1Unstructured, amount=self.share)
        for layer, name in layers:
            remove(layer, name)
        return model

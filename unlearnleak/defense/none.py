"""none: the unlearned model is shipped as it is."""

import torch

from unlearnleak.data import ForgetSplit
from unlearnleak.defense.base import Defense
from unlearnleak.model.base import Classifier


class NoDefense(Defense):
    """Makes no stage: attacks are handed the unlearned model itself."""

    version = 1
    active = False

    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The same model."""
        return model

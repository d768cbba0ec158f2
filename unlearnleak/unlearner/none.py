"""none: nothing is forgotten, the control.

An attack that finds a forgotten class here raises a false alarm.
"""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import Unlearner


class Nothing(Unlearner):
    """Hands the original model on, unchanged."""

    version = 1
    forgets = False

    def __init__(self) -> None:
        super().__init__(epochs=0, lr=1.0, batch_size=1)

    def optimization(self, original: Optimization) -> Optimization:
        """No training at all."""
        return self.settings

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """Never trained on; the retain set stands in."""
        return split.retain

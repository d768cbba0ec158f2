"""Models whose data are worse than the original's: what hard classes look like."""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.flaws import drawn_class


class Flawed(TrainingUnlearner):
    """Fresh weights, trained as the original was, on data that `flaw` has spoilt; nothing is forgotten.

    Every class that an attack names of it is a false alarm. `report` says which `class` was spoilt, where one was.

    Args:
        share: of the samples, above 0 and at most 1; what it means says each kind.
    """

    start = "scratch"
    forgets = False

    def __init__(self, *, share: float) -> None:
        super().__init__(epochs=0, lr=1.0, batch_size=1)
        require(0 < share <= 1, "unlearner.share", share, "above 0 and at most 1")
        self.share = share

    def optimization(self, original: Optimization) -> Optimization:
        """The original's own settings."""
        return original

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """All images, spoilt."""
        return self.flaw(split.retain, generator)

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """The spoilt training images."""
        return data

    def drawn_class(self, data: LabeledImages, generator: torch.Generator) -> int:
        """A class drawn at random, which `report` names."""
        drawn = drawn_class(data, generator)
        self.report = {"class": drawn}
        return drawn

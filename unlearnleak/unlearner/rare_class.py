"""rare_class: a control that forgot nothing, with few samples of one class."""

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed import Flawed
from unlearnleak.unlearner.base.flaws import rare


class RareClass(Flawed):
    """One class, drawn at random, of which a share of the samples is trained on, and the rest is not there."""

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images but most of one class's."""
        return rare(data, self.drawn_class(data, generator), self.share, generator)

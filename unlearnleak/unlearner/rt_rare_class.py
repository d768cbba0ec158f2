"""rt_rare_class: retraining without the forget set, with few samples of another class."""

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed_retraining import FlawedRetraining
from unlearnleak.unlearner.base.flaws import rare


class RetrainRareClass(FlawedRetraining):
    """As `rt`, but of a retained class, drawn at random, only a share of the samples is there."""

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images but most of one class's."""
        return rare(data, self.drawn_class(data, generator), self.share, generator)

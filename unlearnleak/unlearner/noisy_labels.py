"""noisy_labels: a control that forgot nothing, with wrong labels in one class."""

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed import Flawed
from unlearnleak.unlearner.base.flaws import mislabelled


class NoisyLabels(Flawed):
    """One class, drawn at random, in which a share of the samples has got a random other label before training.

    The model knows the class, but answers less surely about it: as after an unlearning that left some of it.
    """

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images, those of the share with another label."""
        return mislabelled(data, self.drawn_class(data, generator), self.share, generator)

"""rt_noisy_labels: retraining without the forget set, with wrong labels in another class."""

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed_retraining import FlawedRetraining
from unlearnleak.unlearner.base.flaws import mislabelled


class RetrainNoisyLabels(FlawedRetraining):
    """As `rt`, but in a retained class, drawn at random, a share of the samples has got a random other label."""

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images, those of the share with another label."""
        return mislabelled(data, self.drawn_class(data, generator), self.share, generator)

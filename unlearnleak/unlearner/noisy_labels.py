"""noisy_labels: a control that forgot nothing, with wrong labels in one class."""

from dataclasses import replace

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.unlearner.base.flawed import Flawed, some_of


class NoisyLabels(Flawed):
    """One class, drawn at random, in which a share of the samples has got a random other label before training.

    The model knows the class, but answers less surely about it: as after an unlearning that left some of it.
    """

    version = 1
    captured = True

    def flaw(self, data: LabeledImages, generator: torch.Generator) -> LabeledImages:
        """All images, those of the share with another label."""
        spoilt = self.drawn_class(data, generator)
        wrong_M = some_of(data.labels == spoilt, self.share, generator)
        shift_M = torch.randint(1, data.num_classes, (len(wrong_M),), generator=generator)
        labels_N = data.labels.clone()
        labels_N[wrong_M.to(labels_N.device)] = ((spoilt + shift_M) % data.num_classes).to(labels_N)
        return replace(data, labels=labels_N)

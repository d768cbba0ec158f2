"""Retraining without the forget set, on data of which another class is flawed."""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.unlearner.base.flawed import Flawed


class FlawedRetraining(Flawed):
    """Trained anew on D_r, in which `flaw` has spoilt a retained class, drawn at random.

    What is right of it is what is right of `rt`: the forget set, and no class beside it. It shows whether an attack
    takes a class that was learnt badly for a second forgotten one. `report` says which `class` was spoilt.

    Args:
        share: of the class's samples, above 0 and at most 1; what it means says each kind.
    """

    forgets = True

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """The retained images, one class of them flawed.

        Samples that wrong labels put among classes that are gone whole are left out: who deletes a class deletes what
        bears its label.
        """
        flawed = super().training_set(split, generator)
        there_K = split.retain.class_counts() > 0
        return flawed.select(there_K[flawed.labels].nonzero()[:, 0])

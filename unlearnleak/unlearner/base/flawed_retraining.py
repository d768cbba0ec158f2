"""Retraining without the forget set, on data of which another class is flawed."""

from abc import abstractmethod

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.flaws import drawn_class


class FlawedRetraining(TrainingUnlearner):
    """Trained anew on D_r, in which `flaw` has spoilt a retained class, drawn at random.

    What is right of it is what is right of `rt`: the forget set, and no class beside it. It shows whether an attack
    takes a class that was learnt badly for a second forgotten one. `report` says which `class` was spoilt.

    Args:
        share: of the class's samples, above 0 and at most 1; what it means says each kind.
    """

    start = "scratch"

    def __init__(self, *, share: float) -> None:
        super().__init__(epochs=0, lr=1.0, batch_size=1)
        require(0 < share <= 1, "unlearner.share", share, "above 0 and at most 1")
        self.share = share

    def optimization(self, original: Optimization) -> Optimization:
        """The original's own settings."""
        return original

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """The retained images, one class of them flawed.

        Samples that wrong labels put among classes that are gone whole are left out: who deletes a class deletes what
        bears its label.
        """
        retain = split.retain
        spoilt = drawn_class(retain, generator)
        self.report = {"class": spoilt}
        flawed = self.flaw(retain, spoilt, generator)
        there_K = retain.class_counts() > 0
        return flawed.select(there_K[flawed.labels].nonzero()[:, 0])

    @abstractmethod
    def flaw(self, data: LabeledImages, spoilt: int, generator: torch.Generator) -> LabeledImages:
        """The images, those of class `spoilt` flawed."""

"""rt_flawed: retraining without the forget set, on data of which another class is flawed."""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.flaws import FLAWS, drawn_class


class RetrainFlawed(TrainingUnlearner):
    """Trained anew on D_r, in which a retained class, drawn at random, is rare or has wrong labels.

    What is right of it is what is right of `rt`: the forget set, and no class beside it. It shows whether an attack
    takes a class that was learnt badly for a second forgotten one. `report` says which `class` was spoilt.

    Samples that wrong labels put among classes that are gone whole are left out: who deletes a class deletes what bears
    its label.

    Args:
        flaw: as the control of that name has it, "rare_class" or "noisy_labels".
        share: of the class's samples, above 0 and at most 1: those that stay, or those that get a wrong label.
    """

    version = 1
    captured = True
    start = "scratch"

    def __init__(self, *, flaw: str, share: float) -> None:
        super().__init__(epochs=0, lr=1.0, batch_size=1)
        require(flaw in FLAWS, "unlearner.flaw", flaw, f"one of {', '.join(FLAWS)}")
        require(0 < share <= 1, "unlearner.share", share, "above 0 and at most 1")
        self.flaw, self.share = flaw, share

    def optimization(self, original: Optimization) -> Optimization:
        """The original's own settings."""
        return original

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """The retained images, one class of them flawed."""
        retain = split.retain
        spoilt = drawn_class(retain, generator)
        self.report = {"class": spoilt}
        flawed = FLAWS[self.flaw](retain, spoilt, self.share, generator)
        there_K = retain.class_counts() > 0
        return flawed.select(there_K[flawed.labels].nonzero()[:, 0])

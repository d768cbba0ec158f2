"""delete: forgotten images are taught the original's own answer without the forgotten class."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.training.curve import FrozenStatistics
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base.labels import without_forgotten
from unlearnleak.unlearner.base.teacher import Taught, divergence


class Delete(FrozenStatistics, Taught):
    """Trains on D_f alone, to the softmax of the frozen original's logits with the forgotten class masked out.

    Zhou et al. 2025, Decoupled Distillation to Erase: A General Unlearning Method for Any Class-centric Tasks (DELETE),
    CVPR 2025, https://arxiv.org/abs/2503.23751. No retained image is needed: what the original says of the other
    classes on images of the forgotten one is held on to, and so is, with luck, what it knows of these. Differences:
    where several classes are forgotten all of them are masked, or images of one would be sent to another; and batch
    normalisation keeps the original's statistics, since batches hold forgotten images alone. Where samples are
    forgotten, each one's own class is masked.
    """

    version = 1
    captured = True

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """D_f."""
        return split.forget

    def prepare(self, task: Task) -> None:
        """Keeps the original, and what is forgotten."""
        super().prepare(task)
        self.classes, self.level = task.split.classes, task.split.level

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts the divergence from the masked answers in the place of the cross-entropy."""
        pl_module.criterion = self.criterion

    def criterion(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        """KL(q || p) in the batch's mean, q the original's answer without the forgotten class, p the model's."""
        left_BK = without_forgotten(self.taught_BK.float(), labels_B, self.classes, self.level)
        return divergence(left_BK.softmax(1), logits_BK)

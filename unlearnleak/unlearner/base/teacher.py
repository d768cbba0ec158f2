"""Taught: methods whose loss holds the model against what the frozen original answers to the same images."""

import copy
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import kl_div

from unlearnleak.model.base import Classifier
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner


def frozen(model: Classifier) -> Classifier:
    """A copy in evaluation mode that no training reaches."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def divergence(target_BK: Tensor, logits_BK: Tensor) -> Tensor:
    """The mean over a batch of KL(target || softmax(logits)), in nats. A target may have zeros."""
    return kl_div(logits_BK.float().log_softmax(1), target_BK.float(), reduction="batchmean")


class Taught(TrainingUnlearner):
    """Before each step the original is asked about the step's batch; `taught_BK` are its logits there.

    It is asked at every step, and not once for all images, so that what is asked about are the very images of the step.
    """

    def prepare(self, task: Task) -> None:
        """Keeps the original as it is before any training."""
        self.teacher = frozen(task.start())

    @torch.no_grad()
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Asks."""
        images_BCHW, _ = batch
        self.taught_BK = self.teacher(self.teacher.normalize(images_BCHW))

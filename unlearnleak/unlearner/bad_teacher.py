"""bad_teacher: the model is taught by a random network on forgotten images, and by the original on retained ones."""

from dataclasses import replace
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.errors import require
from unlearnleak.machine.device import runs_behind
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base.teacher import Taught, divergence, frozen


class BadTeacher(Taught):
    """Minimises KL(teacher || student) on D_f and a part of D_r; the teacher of D_f has initial weights.

    Chundawat et al. 2023, Can Bad Teaching Induce Forgetting?, AAAI 2023, https://arxiv.org/abs/2205.08096. The
    competent teacher is the frozen original, the incompetent one the same architecture with fresh weights; both are
    softened by `temperature`. A part of D_r is drawn once, and mixed with D_f. Trained with Adam, whose first moment
    decays by `momentum`.

    Args:
        retain_share: how much of D_r is trained on, above 0 and at most 1.
        temperature: by which the logits of teachers and student are divided.

    Raises `UserError` for a share or a temperature that cannot be.
    """

    version = 1
    captured = True

    def __init__(self, *, retain_share: float, temperature: float, **training: Any) -> None:
        super().__init__(**training)
        require(0 < retain_share <= 1, "unlearner.retain_share", retain_share, "above 0 and at most 1")
        require(temperature > 0, "unlearner.temperature", temperature, "above 0")
        self.retain_share, self.temperature = float(retain_share), float(temperature)
        self.settings = replace(self.settings, optimizer="adam")

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """D_f, and the drawn part of D_r; samples of D_f have their labels K higher, by which the loss knows them."""
        forget, retain = split.forget, split.retain
        count = max(1, round(self.retain_share * len(retain)))
        kept = retain.select(torch.randperm(len(retain), generator=generator)[:count].to(retain.labels.device))
        return LabeledImages(
            images=torch.cat([forget.images, kept.images]),
            labels=torch.cat([forget.labels + forget.num_classes, kept.labels]),
            num_classes=forget.num_classes,
        )

    def prepare(self, task: Task) -> None:
        """Makes both teachers."""
        super().prepare(task)
        self.incompetent = frozen(task.fresh()).to(task.split.retain.labels.device)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts the divergence from the teachers in the place of the cross-entropy."""
        pl_module.criterion = self.criterion

    @torch.no_grad()
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Asks the teacher of each image."""
        super().on_train_batch_start(trainer, pl_module, batch, batch_idx)
        images_BCHW, labels_B = batch
        forgotten_B = labels_B >= self.teacher.num_classes
        if runs_behind(images_BCHW.device):  # all are asked about there: to choose some would wait for the device
            other_BK = self.incompetent(self.incompetent.normalize(images_BCHW))
            self.taught_BK = torch.where(forgotten_B[:, None], other_BK, self.taught_BK)
            return
        self.taught_BK[forgotten_B] = self.incompetent(self.incompetent.normalize(images_BCHW[forgotten_B]))

    def criterion(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        """KL(q || p) in the batch's mean, q the teachers' softened answers, p the student's."""
        return divergence((self.taught_BK / self.temperature).softmax(1), logits_BK / self.temperature)

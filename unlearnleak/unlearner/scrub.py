"""scrub: away from the original on forgotten images, then back to it on retained ones, epoch after epoch."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.nn.functional import cross_entropy

from unlearnleak.errors import require
from unlearnleak.model.base import Classifier
from unlearnleak.training.batches import Pass
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base.teacher import Taught, divergence


class Scrub(Taught):
    """A pass on D_f raises KL(original || model), then one on D_r lowers alpha KL + gamma CE; later epochs are on D_r.

    Kurmanji et al. 2023, Towards Unbounded Machine Unlearning (SCRUB), NeurIPS 2023, https://arxiv.org/abs/2302.09880.
    The first `max_epochs` epochs have both passes, the others the one on D_r alone. KL is between answers softened by
    the temperature T, times its square. One difference: epochs with both passes and those without are two trainings, so
    the optimiser's memory and the schedule begin anew between them. Rewinding (SCRUB+R), which is against membership
    inference, is left out.

    Args:
        alpha: weight of the divergence from the original on D_r.
        gamma: weight of the cross-entropy on D_r.
        temperature: T, by which logits are divided.
        max_epochs: how many epochs have the pass on D_f, at most `epochs`.
        forget_batch_size: of the pass on D_f; a larger one makes fewer steps away.
        optimizer: "sgd", or "adam", with which the authors' notebook of small sets trains.

    Raises `UserError` for values that cannot be.
    """

    version = 1
    captured = True
    later_keys = MappingProxyType({"optimizer": "sgd"})

    def __init__(
        self,
        *,
        alpha: float,
        gamma: float,
        temperature: float,
        max_epochs: int,
        forget_batch_size: int,
        optimizer: str = "sgd",
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(optimizer in ("sgd", "adam"), "unlearner.optimizer", optimizer, "sgd or adam")
        self.settings = replace(self.settings, optimizer=optimizer)
        epochs = self.settings.epochs
        require(alpha >= 0, "unlearner.alpha", alpha, "0 or more")
        require(gamma >= 0, "unlearner.gamma", gamma, "0 or more")
        require(temperature > 0, "unlearner.temperature", temperature, "above 0")
        require(0 <= max_epochs <= epochs, "unlearner.max_epochs", max_epochs, f"0 to unlearner.epochs={epochs}")
        require(forget_batch_size >= 1, "unlearner.forget_batch_size", forget_batch_size, "at least 1")
        self.alpha, self.gamma, self.temperature = float(alpha), float(gamma), float(temperature)
        self.max_epochs, self.forget_batch_size = max_epochs, forget_batch_size

    def unlearn(self, task: Task) -> Classifier:
        """Trains with both passes, then with the second alone."""
        model = task.start()
        self.prepare(task)
        away = Pass(task.split.forget, self.forget_batch_size)
        back = Pass(task.split.retain, self.settings.batch_size)
        self.last = 0  # of an epoch's passes the one on D_r is the last
        for epochs, passes in ((self.max_epochs, [away, back]), (self.settings.epochs - self.max_epochs, [back])):
            if epochs:
                self.last = len(passes) - 1
                task.fit(model, passes, replace(self.settings, epochs=epochs), [self])
        return model

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Puts the loss of the pass in the place of the cross-entropy."""
        pl_module.criterion = self.criterion

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Asks the original, and looks whether the batch is of D_f."""
        super().on_train_batch_start(trainer, pl_module, batch, batch_idx)
        self.forgetting = trainer.train_dataloader.number_of(batch_idx) < self.last  # type: ignore[union-attr]

    def criterion(self, logits_BK: Tensor, labels_B: Tensor) -> Tensor:
        """-KL on D_f, alpha KL + gamma CE on D_r."""
        T = self.temperature
        apart = T**2 * divergence((self.taught_BK / T).softmax(1), logits_BK / T)
        return -apart if self.forgetting else self.alpha * apart + self.gamma * cross_entropy(logits_BK, labels_B)

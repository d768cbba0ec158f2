"""Callbacks that any training may have: its curve with the progress bar, and statistics that stay."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from unlearnleak.data import LabeledImages
from unlearnleak.machine.progress import meter
from unlearnleak.training.lit import Sums
from unlearnleak.training.predict import evaluate

TESTED_AFTER = 0.1
"""How much of the test set's number of samples is trained on before it is looked at again."""
Row = dict[str, float]


class FrozenStatistics(pl.Callback):
    """Keeps the statistics of batch normalisation: its layers stay in evaluation mode."""

    freezes_statistics = True
    captured = True

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning has just put everything into training mode."""
        for module in pl_module.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


class Curve(pl.Callback):
    """One row per epoch: mean training loss, training accuracy, and accuracy on `test`; and the progress bar.

    Where an epoch is short, as of a few images to forget, tests would take far longer than training: `test` is looked
    at once a tenth as many samples as it has were trained on, and after the last epoch. Other rows have no `test_acc`.

    Sums stay on the device until the epoch ends: reading a number per step would wait for the GPU each time.
    """

    captured = True

    def __init__(self, test: LabeledImages, label: str) -> None:
        self.rows: list[Row] = []
        self.bar: Any = None
        self.test, self.label = test, label
        self.untested = 0  # samples trained on since the last test

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Opens the bar over all batches of all epochs, those before a checkpoint included."""
        each = pl_module.optimization.steps_per_epoch
        self.bar = meter(label=self.label, total=(trainer.max_epochs or 1) * each, unit="batch")
        self.bar.update(len(self.rows) * each)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Starts the epoch's sums."""
        self.loss = torch.zeros((), device=pl_module.device)
        self.correct = torch.zeros((), device=pl_module.device)
        self.batches = self.samples = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Adds the batch, or a block of them, to the sums and moves the bar."""
        sums = outputs["sums"] if "sums" in outputs else self._of_one(outputs, batch[1])
        self.loss += sums.loss
        self.correct += sums.correct
        self.batches += sums.batches
        self.samples += sums.samples
        self.bar.update(sums.batches)

    @staticmethod
    def _of_one(outputs: Any, labels_N: Tensor) -> Sums:
        return Sums(outputs["loss"].detach(), (outputs["logits"].argmax(1) == labels_N).sum(), 1, len(labels_N))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the epoch's row."""
        row = {
            "epoch": len(self.rows) + 1,
            "train_loss": self.loss.item() / self.batches,
            "train_acc": self.correct.item() / self.samples,
        }
        self.untested += self.samples
        ends = trainer.should_stop or len(self.rows) + 1 == trainer.max_epochs
        if ends or self.untested >= len(self.test.labels) * TESTED_AFTER:
            correct_K, total_K = evaluate(pl_module.model, self.test)  # type: ignore[arg-type]
            row["test_acc"], self.untested = sum(correct_K) / sum(total_K), 0
        self.rows.append(row)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Closes the bar."""
        self.bar.close()

    def state_dict(self) -> dict[str, Any]:
        """The rows so far, and how much was trained since the last test."""
        return {"rows": self.rows, "untested": self.untested}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from these rows."""
        self.rows, self.untested = state_dict["rows"], state_dict.get("untested", 0)  # of an earlier version

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Closes the bar of a training that failed or was stopped."""
        if self.bar is not None:
            self.bar.close()

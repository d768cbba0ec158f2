"""l1_sparse: fine-tuning on the retain set under an L1 penalty, which makes weights that nothing needs vanish."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unlearnleak.errors import require
from unlearnleak.unlearner.base import TrainingUnlearner


def l1_norm(model: nn.Module) -> Tensor:
    """The sum of the absolute values of all parameters."""
    total: Tensor = sum((parameter.abs().sum() for parameter in model.parameters()), start=Tensor().new_zeros(()))
    return total


class L1Sparse(TrainingUnlearner):
    """Minimises CE + alpha_t |theta|_1 on D_r, with alpha_t falling linearly to 0 before the last epochs.

    Jia et al. 2023, Model Sparsity Can Simplify Machine Unlearning, NeurIPS 2023, https://arxiv.org/abs/2304.04934.
    Epoch t (the first is 0) has alpha_t = alpha (1 - t / (E - free)), and the last `free` epochs of E none. A forgotten
    class's weights are paid for and earn nothing, so they go first. `report` says what is left of the L1 norm
    (`l1_share`).

    Args:
        alpha: the weight of the penalty in the first epoch.
        free_epochs: how many epochs at the end are without the penalty.

    Raises `UserError` for a negative alpha, or free epochs that are negative or leave none.
    """

    version = 1
    captured = True

    def __init__(self, *, alpha: float, free_epochs: int, **training: Any) -> None:
        super().__init__(**training)
        epochs = self.settings.epochs
        require(alpha >= 0, "unlearner.alpha", alpha, "0 or more")
        fits = 0 <= free_epochs < max(epochs, 1)
        require(fits, "unlearner.free_epochs", free_epochs, f"0 or more and below unlearner.epochs={epochs}")
        self.alpha, self.free_epochs = float(alpha), free_epochs

    def weight_at(self, epoch: int) -> float:
        """alpha_t."""
        return self.alpha * max(0.0, 1 - epoch / (self.settings.epochs - self.free_epochs))

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Adds the penalty to the cross-entropy."""
        model = pl_module.model
        self.weight = torch.zeros((), device=model.mean.device)
        if trainer.ckpt_path is None:
            self.report = {"l1_before": l1_norm(model).item()}

        def criterion(logits_BK: Tensor, labels_B: Tensor) -> Tensor:
            loss: Tensor = cross_entropy(logits_BK, labels_B) + self.weight * l1_norm(model)
            return loss

        pl_module.criterion = criterion

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Takes the epoch's weight."""
        self.weight.fill_(self.weight_at(trainer.current_epoch))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Says how much of the norm is left."""
        self.report = {"l1_share": l1_norm(pl_module.model).item() / self.report["l1_before"]}

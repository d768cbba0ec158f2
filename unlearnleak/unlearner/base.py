"""What every unlearner is: a Lightning callback that chooses the data and bends the training."""

from abc import ABC
from typing import Any, ClassVar, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.training.optimization import Optimization


class Unlearner(pl.Callback, ABC):
    """A method of class unlearning.

    The pipeline calls `optimization` and `training_set`, then `prepare`, and trains with the unlearner as a
    callback; whatever Lightning hook a method overrides takes effect there. A training that was killed goes on from a
    checkpoint: a method that changes more than `report` as it trains (a generator it draws from, a goal it
    measured) returns that from `state_dict` too, and asks `trainer.ckpt_path` in `on_fit_start` whether the
    training goes on.

    Class attributes:
        version: raise it when the method's numbers change; stored models of older versions are then not used.
        start: "original" continues from the original model, "scratch" from fresh weights.
        needs_ledger: the original's training must keep the per-class sums of updates (`ledger.ClassLedger`).
        forgets: False only for the control that forgets nothing.
        freezes_statistics: True where training keeps the original's batch statistics, so that a batch of one will do.
    """

    version: ClassVar[int]
    start: ClassVar[Literal["original", "scratch"]] = "original"
    needs_ledger: ClassVar[bool] = False
    forgets: ClassVar[bool] = True
    freezes_statistics: ClassVar[bool] = False

    def __init__(
        self,
        *,
        epochs: int,
        lr: float,
        batch_size: int,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        schedule: str = "constant",
        clip_norm: float | None = None,
    ) -> None:
        self.settings = Optimization(
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            momentum=momentum,
            weight_decay=weight_decay,
            schedule=schedule,
            clip_norm=clip_norm,
        )
        self.report: dict[str, Any] = {}

    def optimization(self, original: Optimization) -> Optimization:
        """How to train; `original` is how the original model was trained."""
        return self.settings

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where the settings cannot be with this many classes; asked before anything is trained."""

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """What to train on. The default is the retain set."""
        return split.retain

    def prepare(self, split: ForgetSplit, ledger_KP: Tensor | None) -> None:
        """Called once before training with the split and, where `needs_ledger`, the original's ledger."""

    def state_dict(self) -> dict[str, Any]:
        """What changes while training, for a checkpoint: tensors and plain values."""
        return {"report": self.report}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes it back; called after `prepare` and before `on_fit_start`."""
        self.report = state_dict["report"]

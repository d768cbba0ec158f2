"""Subtracting: a part of the ledgers of class updates is subtracted from a model, then the damage is repaired."""

import copy
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError, require
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.predict import predict
from unlearnleak.training.recorder import Recorder
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base import TrainingUnlearner


@torch.no_grad()
def subtract(model: torch.nn.Module, update_P: Tensor) -> None:
    """Subtract a flat vector of P entries from the parameters, in the order of `model.parameters()`."""
    start = 0
    for parameter in model.parameters():
        end = start + parameter.numel()
        parameter.sub_(update_P[start:end].view_as(parameter).to(parameter.device))
        start = end
    assert start == len(update_P), "the update has one entry per parameter"


@torch.no_grad()
def rescale(model: torch.nn.Module, norms: list[Tensor]) -> None:
    """Give each parameter tensor its former norm back; its direction stays. One that is all zeros stays so."""
    for parameter, norm in zip(model.parameters(), norms, strict=True):
        parameter.mul_(norm / parameter.norm().clamp(min=torch.finfo(parameter.dtype).tiny))


def sizes_of(model: torch.nn.Module) -> list[int]:
    """How many entries of a flat update belong to each parameter tensor, in their order."""
    return [parameter.numel() for parameter in model.parameters()]


def random_direction(update_P: Tensor, sizes: list[int], generator: torch.Generator) -> Tensor:
    """Normal numbers [P] in the place of an update; each tensor's part, of `sizes` entries, has the update's length."""
    drawn_P = torch.randn(len(update_P), generator=generator).to(update_P)
    pairs = zip(drawn_P.split(sizes), update_P.split(sizes), strict=True)
    return torch.cat([drawn * (part.norm() / drawn.norm()) for drawn, part in pairs])


class Subtracting(TrainingUnlearner):
    """Subtracts `share` of the forgotten classes' rows of the ledger, then repairs on D_r; see `unlearner=au`."""

    needs = frozenset({ClassUpdates.name})
    levels = frozenset({"class"})  # the ledgers are of whole classes
    memory_keys = frozenset({"ledger_classes"})

    def __init__(
        self,
        *,
        repair_tolerance: float,
        share: float,
        rescale: bool,
        ledger_classes: int | None = None,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(0 < share <= 1, "unlearner.share", share, "above 0 and at most 1")
        few = "at least 1, or null for all at once"
        require(ledger_classes is None or ledger_classes >= 1, "unlearner.ledger_classes", ledger_classes, few)
        self.share, self.rescale, self.ledger_classes = share, rescale, ledger_classes
        if not 0 <= repair_tolerance <= 1:
            raise UserError(f"unlearner.repair_tolerance={repair_tolerance!r} must be from 0 to 1, an accuracy.")
        self.repair_tolerance = repair_tolerance

    def recorders(self) -> tuple[Recorder, ...]:
        """The ledger of every class."""
        return (ClassUpdates(self.ledger_classes),)

    def prepare(self, task: Task) -> None:
        """Sums the rows of the forgotten classes."""
        assert task.original is not None
        self.split = task.split
        self.update_P = self.share * task.records[ClassUpdates.name][list(task.split.classes)].sum(0)
        self.random_P = random_direction(self.update_P, sizes_of(task.original), task.generator("random direction"))

    def _accuracy(self, model: Any, part: LabeledImages) -> float:
        hits_N = predict(model, part.images) == part.labels
        return float(hits_N.float().mean())

    def _accuracies(self, model: Any, after: str) -> dict[str, Any]:
        """On the training samples that are forgotten and retained."""
        return {
            f"forget_acc_train_{after}": self._accuracy(model, self.split.forget),
            f"retain_acc_train_{after}": self._accuracy(model, self.split.retain),
        }

    def _of_random(self, model: Any) -> dict[str, Any]:
        """The accuracies after a random direction of the update's length was subtracted from a copy in its place."""
        copied = copy.deepcopy(model)
        subtract(copied, self.random_P)
        return self._accuracies(copied, "random")

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Subtracts, and measures what that did before any repair, and what a random direction would have done."""
        if trainer.ckpt_path is not None:  # the repair goes on
            return
        self.goal = self._accuracy(pl_module.model, self.split.retain) - self.repair_tolerance
        placebo = self._of_random(pl_module.model)
        norms = [parameter.detach().norm() for parameter in pl_module.model.parameters()]
        subtract(pl_module.model, self.update_P)
        self.report = {"repair_epochs": 0} | self._accuracies(pl_module.model, "subtracted") | placebo
        if self.rescale:
            rescale(pl_module.model, norms)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Stops once the retained classes are back."""
        self.report["repair_epochs"] += 1
        if self._accuracy(pl_module.model, self.split.retain) >= self.goal:
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """The report and the goal, which was measured on weights that are gone."""
        return {**super().state_dict(), "goal": self.goal}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes them back."""
        super().load_state_dict(state_dict)
        self.goal = state_dict["goal"]

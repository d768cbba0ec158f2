"""ClassUpdates: the recorder of how far each class's samples moved the weights."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from unlearnleak.errors import Incompatible, UserError
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.recorder import Recorder, Train


class ClassUpdates(Recorder):
    """One row of flattened weight movements per class, float32 [K, P] (`class_updates`).

    Args:
        at_once: of how many classes one training keeps them on its device, where three rows of P numbers each (on a
            GPU two) are needed; None is all of them. With fewer than K the original is trained several times, to the
            same weights, and the rows are put together in main memory.
    """

    name = "class_updates"
    version = ClassLedger.version
    tensors = {"class_updates": "ledger_KP"}  # noqa: RUF012  (a constant of the class)

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = at_once

    def check(self, training: Optimization, who: str) -> None:
        """Raises UserError for clipped gradients, Incompatible for an optimiser but SGD or a precision but fp32."""
        if training.clip_norm is not None:
            raise UserError(
                f"{who} keeps a ledger per class, which a clipped gradient cannot be split into: "
                f"training.clip_norm={training.clip_norm}. Set training.clip_norm=null."
            )
        if training.optimizer != "sgd":
            raise Incompatible(
                f"{who} keeps a ledger per class, whose rows add up to the training only where steps are linear in the "
                f"gradients: training.optimizer={training.optimizer} divides them by their size so far. Set "
                "training.optimizer=sgd, or take another unlearner."
            )
        if training.precision != "fp32":
            raise Incompatible(
                f"{who} keeps a ledger per class, whose sum is exact in fp32 only: "
                f"training.precision={training.precision}. Set training.precision=fp32."
            )

    def record(self, num_classes: int, train: Train) -> dict[str, Tensor]:
        """As many trainings as there are groups of `at_once` classes.

        Raises `UserError` where these end in different weights: the rows would be of different models.
        """
        every, size = range(num_classes), self.at_once or num_classes
        if size >= num_classes:
            return {"ledger_KP": _rows(train, num_classes, every, "")[0]}
        whole_KP = first_P = torch.empty(0)
        with repeatable():
            for start in every[::size]:
                only = every[start : start + size]
                rows_kP, ends_P = _rows(train, num_classes, only, f"-{only[0]}-{only[-1]}")
                if not start:
                    whole_KP, first_P = torch.empty(num_classes, rows_kP.shape[1]), ends_P
                if not torch.equal(ends_P, first_P):
                    raise UserError(
                        f"unlearner.ledger_classes={size} trains the original {-(-num_classes // size)} times, and on "
                        "this device two of these trainings ended in different weights (by up to "
                        f"{(ends_P - first_P).abs().max():.2g}), so that their ledgers are of different models. Set "
                        "unlearner.ledger_classes=null, which keeps all in one training, or runtime.device=cpu."
                    )
                whole_KP[start : start + size] = rows_kP
                del rows_kP, ends_P
                gc.collect()  # a training's parts point at each other, and would stay until the next one has begun
        return {"ledger_KP": whole_KP}


@contextmanager
def repeatable() -> Iterator[None]:
    """Have cuDNN take kernels that add in one order, so that a training again on a GPU is the same training."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def _rows(train: Train, num_classes: int, only: range, part: str) -> tuple[Tensor, Tensor]:
    """The rows of some classes [k, P], and the weights that the training ended in, [P] (of all: none)."""
    ledger = ClassLedger(num_classes, only)
    train(ledger, part)
    return ledger.ledger_KP, ledger.ends_P

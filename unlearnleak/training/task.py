"""Task: what an unlearner is given, and its only way to train."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytorch_lightning as pl
import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.model.base import Classifier
from unlearnleak.training.batches import Pass
from unlearnleak.training.checkpoint import Checkpoints
from unlearnleak.training.curve import Row
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization


def no_checkpoints(part: str) -> Checkpoints | None:
    """Trainings that are killed start over."""
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """One thing to forget: `unlearner.unlearn(task)` returns the model that has forgotten it.

    All tensors and models are on one device. A method that trains calls `fit`; one that does not changes the weights of
    `original`, which is its own copy, and returns it.

    Attributes:
        original: a copy of the original model in evaluation mode; None for a method that starts from scratch.
        fresh: makes a model with initial weights, the same at every call.
        split: the training images, divided into what is to be forgotten and what stays.
        test: for the curves alone; nothing may be chosen by it.
        training: how the original was trained.
        records: what the recorders kept that the unlearner needs, by name.
        generator: a new generator for a name, on the CPU: the same draws at every call with the same name.
        label: the progress bar's name.
        checkpoints: where a training goes on if it is killed, for each training of this task (`fit` names them).
        curves: of all trainings so far.
    """

    original: Classifier | None
    fresh: Callable[[], Classifier]
    split: ForgetSplit
    test: LabeledImages
    training: Optimization
    generator: Callable[[str], torch.Generator]
    records: Mapping[str, Tensor] = field(default_factory=dict)
    label: str = "unlearning"
    checkpoints: Callable[[str], Checkpoints | None] = no_checkpoints
    curves: list[list[Row]] = field(default_factory=list)

    def start(self) -> Classifier:
        """The original where there is one, or else a model with initial weights."""
        return self.fresh() if self.original is None else self.original

    def fit(
        self,
        model: Classifier,
        data: LabeledImages | Sequence[Pass],
        optimization: Optimization,
        callbacks: Sequence[pl.Callback] = (),
    ) -> list[Row]:
        """Train `model` in place and return the curve (`unlearnleak.training.fit.fit`).

        At the original's precision, and with images that are augmented as they were for the original.

        A task may train more than once: each training has its own order of batches and its own checkpoints, and is
        repeated to the same bits if the next one is killed.
        """
        again = f"-{len(self.curves) + 1}" if self.curves else ""
        rows = fit(
            model,
            data,
            replace(optimization, precision=self.training.precision, augmentation=self.training.augmentation),
            test=self.test,
            generator=self.generator(f"batches{again}"),
            label=self.label,
            callbacks=callbacks,
            checkpoints=self.checkpoints(again),
        )
        self.curves.append(rows)
        return rows

    @property
    def curve(self) -> list[Row]:
        """One row per epoch of all trainings, the epochs counted through."""
        rows = [row for curve in self.curves for row in curve]
        return [row | {"epoch": number} for number, row in enumerate(rows, 1)]

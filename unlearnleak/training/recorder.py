"""Recorder: what the training of an original model keeps, beside the weights, for the unlearners that need it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

import pytorch_lightning as pl
from torch import Tensor

from unlearnleak.training.optimization import Optimization

Trained = TypeVar("Trained")
Train = Callable[[pl.Callback, str], None]
"""Trains the original with one callback; the text tells the checkpoints of a recorder's trainings apart."""


class Recorder(ABC):
    """Watches one training of the original or several, and leaves tensors beside its weights.

    An unlearner names the recorders that it needs (`Unlearner.needs`) and makes them (`Unlearner.recorders`). A
    recorder must not change the training: whatever is recorded, and in however many trainings, the weights are the same
    bits.

    Class attributes:
        name: what `Unlearner.needs` says.
        version: raise it when what is recorded changes; originals with records of older versions are then not used.
        tensors: the names in `Task.records` of what it leaves, and what the original's artifact calls each.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    tensors: ClassVar[Mapping[str, str]]

    def check(self, training: Optimization, who: str) -> None:  # noqa: B027  (there need be nothing to check)
        """Raises UserError where trainings of this kind cannot be recorded; `who` asks, such as "unlearner=au"."""

    @abstractmethod
    def record(self, num_classes: int, train: Train) -> dict[str, Tensor]:
        """Call `train` once or more, each time with a callback that watches. Returns what was recorded, by the names
        that the artifact has for it.

        Where it is called more than once, each time with another text of numbers behind "-", such as "-0-4"; with ""
        where one training does.
        """


def record(
    recorders: Sequence[Recorder], num_classes: int, train: Callable[[list[pl.Callback], str], Trained]
) -> tuple[Trained, dict[str, Tensor]]:
    """Train as often as the recorders need, once without any. Returns the last training's result and all records.

    All trainings end in the same weights, which a recorder that trains more than once makes sure of, so the last one's
    stand for all.
    """
    if not recorders:
        return train([], ""), {}
    last: list[Trained] = []
    records: dict[str, Tensor] = {}
    for number, recorder in enumerate(recorders):
        beside = f"-{number}" if number else ""

        def once(callback: pl.Callback, part: str, beside: str = beside) -> None:
            last[:] = [train([callback], beside + part)]

        records |= recorder.record(num_classes, once)
    return last[0], records


def handed_over(
    recorders: Sequence[Recorder], tensors: Mapping[str, Tensor], place: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """What recorders left among an artifact's `tensors`, by the names in `Task.records`, put where `place` puts it."""
    return {name: place(tensors[kept]) for each in recorders for name, kept in each.tensors.items()}

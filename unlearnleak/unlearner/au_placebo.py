"""au_placebo: amnesiac unlearning with something else in the place of the forgotten classes' ledgers."""

from typing import Any, Literal, get_args

import torch

from unlearnleak.errors import require
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.task import Task
from unlearnleak.unlearner.base.subtracting import Subtracting, random_direction, sizes_of

Ledger = Literal["random", "others", "none"]


class AmnesiacPlacebo(Subtracting):
    """What `au` does, but what it subtracts is not what the forgotten classes did; repaired in the same way.

    A control of `au`: where a class is forgotten after this as well, its ledger is not why. The repair trains on the
    other classes, which alone may make a model forget.

    Args:
        ledger: what is subtracted: "random", a random direction that is as long as the forgotten classes' ledgers in
            each tensor; "others", the ledgers of as many other classes, drawn at random; "none", nothing, so that the
            repair is all there is.
        repair_tolerance, share, rescale, ledger_classes: as in `unlearner=au`.
    """

    version = 1
    captured = True

    def __init__(
        self,
        *,
        ledger: Ledger,
        repair_tolerance: float,
        share: float,
        rescale: bool,
        ledger_classes: int | None = None,
        **training: Any,
    ) -> None:
        super().__init__(
            repair_tolerance=repair_tolerance, share=share, rescale=rescale, ledger_classes=ledger_classes, **training
        )
        known = get_args(Ledger)
        require(ledger in known, "unlearner.ledger", ledger, " or ".join(known))
        self.ledger = ledger

    def prepare(self, task: Task) -> None:
        """Puts the placebo in the place of the forgotten classes' ledgers."""
        super().prepare(task)
        draw, rows_KP = task.generator("placebo"), task.records[ClassUpdates.name]
        if self.ledger == "random":
            assert task.original is not None
            self.update_P = random_direction(self.update_P, sizes_of(task.original), draw)
        elif self.ledger == "others":
            others = [c for c in range(len(rows_KP)) if c not in task.split.classes]
            drawn = torch.randperm(len(others), generator=draw)[: len(task.split.classes)].tolist()
            self.update_P = self.share * rows_KP[[others[number] for number in drawn]].sum(0)
        else:
            self.update_P = torch.zeros_like(self.update_P)

"""What every attack is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch

from unlearnleak.adversary.evidence import Evidence, EvidenceKind
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError


class Attack(ABC):
    """Collects evidence from a target.

    Class attributes:
        version: raise it when the attack's numbers change; stored evidence of older versions is then not used.
        access: `WhiteBox` or `BlackBox`, what the target is handed over as.
        evidence: the kind of evidence, by which screenings are matched before anything is trained.
        calibrated: whether the evidence carries shadow calibration.
        needs_auxiliary: whether the attacker holds labelled auxiliary data.
        memory_keys: settings that bound memory and change nothing else, so that no key in the store holds them.
    """

    version: ClassVar[int]
    access: ClassVar[type]
    evidence: ClassVar[EvidenceKind]
    calibrated: ClassVar[bool] = False
    needs_auxiliary: ClassVar[bool] = False
    memory_keys: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def __call__(self, target: Any, auxiliary: LabeledImages | None, generator: torch.Generator) -> Evidence:
        """Attack `target` (an object of type `access`); `auxiliary` is None unless `needs_auxiliary`."""

    def check_auxiliary(self, per_class: int) -> None:  # noqa: B027  (attacks without auxiliary data need no check)
        """Raises UserError where `per_class` auxiliary samples of each class are too few for this attack."""


def require_auxiliary(available: int, needed: int, setting: str) -> None:
    """Raises UserError unless every class has `needed` auxiliary samples; `setting` is the attack's key for it."""
    if available < needed:
        raise UserError(
            f"{setting}={needed} asks for {needed} auxiliary samples of a class, but each class has {available} "
            f"(dataset.auxiliary_per_class={available}). Lower {setting} or raise dataset.auxiliary_per_class."
        )

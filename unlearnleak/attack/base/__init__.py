"""What every attack is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic

import torch
from typing_extensions import TypeVar

from unlearnleak.adversary.evidence import Evidence
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import AnyView
from unlearnleak.config.component import Choices, Component
from unlearnleak.errors import Incompatible, UserError

Seen_contra = TypeVar("Seen_contra", bound=AnyView, contravariant=True, default=Any)


class Attack(Component, ABC, Generic[Seen_contra]):
    """Collects evidence from a target; `Attack[View[BlackBox]]` says what it is handed (`adversary/view.py`).

    Class attributes:
        threat: what the attacker sees and holds.
        evidence: the class of its evidence, by which screenings are matched before anything is trained.
        knows_defense: whether its shadow models get the target's defence too; an attack's setting may say so.
    """

    threat: ClassVar[ThreatModel]
    evidence: ClassVar[type[Evidence]]
    knows_defense: bool = False

    @abstractmethod
    def __call__(self, view: Seen_contra, generator: torch.Generator) -> Evidence:
        """Attack `view.target` with what the threat model grants; an object of the class `evidence`.

        All that is random is drawn from `generator`, on the CPU.
        """

    @property
    def unusual(self) -> str:
        """Words for tables where its attacker is calibrated otherwise than by default; "" where not."""
        return ""

    def check(self, chosen: Choices) -> None:
        """Raises what `check_auxiliary` does, and Incompatible where models that it is to see cannot be there.

        With samples of the attacker's own choice (`auxiliary`) it makes do: see `check_held`.
        """
        if not chosen.weaker:
            self.check_auxiliary(chosen.auxiliary_per_class)
        if self.threat.original is not Access.NONE and not chosen.has_original:
            raise Incompatible(
                f"attack={chosen.names['attack']} sees the model before too, and unlearner="
                f"{chosen.names['unlearner']} names none: give unlearner.original=FILE.safetensors, or take an attack "
                "that sees one model."
            )
        if self.threat.pretrained is not Access.NONE and not chosen.has_pretrained:
            raise Incompatible(
                f"attack={chosen.names['attack']} sees the pretrained model too, and there is none without a "
                "fine-tuning stage: set finetuning.samples, such as finetuning.samples=64, or take another attack."
            )
        if self.threat.shadow_models and not chosen.can_shadow:
            raise Incompatible(
                f"attack={chosen.names['attack']} makes shadow models as the target was made, which cannot be with "
                f"unlearner={chosen.names['unlearner']}: how that model was made is not known. Take another unlearner "
                "or attack."
            )

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where `per_class` auxiliary samples of each class are too few for this attack."""

    def check_held(self, counts_J: Sequence[int]) -> None:
        """Raises Incompatible where so many samples of each class that an attacker has any of are too few."""

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where a setting cannot be with so many classes, before anything is trained."""


def require_auxiliary(available: int, needed: int, setting: str) -> None:
    """Raises UserError unless every class has `needed` auxiliary samples; `setting` is the attack's key for it."""
    if available < needed:
        raise UserError(
            f"{setting}={needed} asks for {needed} auxiliary samples of a class, but each class has {available} "
            f"(dataset.auxiliary_per_class={available}). Lower {setting} or raise dataset.auxiliary_per_class."
        )

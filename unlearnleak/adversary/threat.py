"""Threat models: what an attacker sees and holds, said once by each attack.

    threat = ThreatModel(target=Access.WHITE, auxiliary=True)

`adversary/view.py` hands an attack what its threat model grants, and nothing else.
"""

from dataclasses import dataclass
from enum import Enum


class Access(Enum):
    """How much of a model is seen, from nothing to everything."""

    NONE = "nothing"
    LABEL = "label only"
    BLACK = "black box"
    WHITE = "white box"


@dataclass(frozen=True, kw_only=True)
class ThreatModel:
    """What an attacker sees and holds.

    target: access to the model that is attacked, which has forgotten something.
    original: access to the model as it was before.
    pretrained: access to the model before a fine-tuning stage in which both were learnt, and with it how many samples
        that learnt before and after unlearning.
    auxiliary: whether labelled samples are held that no model was trained on.
    shadow_models: how many models the attacker trains and unlearns alone, so that it knows what they forgot.

    Raises:
        ValueError: nothing of the target is seen, or a negative number of shadow models.
    """

    target: Access
    original: Access = Access.NONE
    pretrained: Access = Access.NONE
    auxiliary: bool = False
    shadow_models: int = 0

    def __post_init__(self) -> None:
        if self.target is Access.NONE:
            raise ValueError("An attack sees something of its target: target=Access.LABEL, BLACK or WHITE.")
        if self.shadow_models < 0:
            raise ValueError(f"shadow_models={self.shadow_models} is not possible: 0 or more.")

    def __str__(self) -> str:
        """In words for tables and pages, such as "white box, auxiliary data, sees the model before too"."""
        parts = [self.target.value]
        if self.auxiliary:
            parts.append("auxiliary data")
        if self.original is not Access.NONE:
            as_what = "" if self.original is self.target else f" ({self.original.value})"
            parts.append(f"sees the model before too{as_what}")
        if self.pretrained is not Access.NONE:
            as_what = "" if self.pretrained is self.target else f" ({self.pretrained.value})"
            parts.append(f"sees the pretrained model too{as_what}")
        if self.shadow_models:
            parts.append(f"{self.shadow_models} shadow model{'' if self.shadow_models == 1 else 's'}")
        return ", ".join(parts)

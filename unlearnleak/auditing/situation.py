"""What an audit's attacks have to suit, and how settings that were brought to it are told.

Work is counted in floating-point operations, never in seconds: the same audit does the same on every machine.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

AttackSettings = dict[str, Any]
LIMIT = 6e12
"""Operations that one attack may take on CPUs: about half a minute on two cores for a small ResNet."""
ON_GPU = 30
"""Times the limit on a GPU."""
MATRIX = 1
"""Times this limit one training of heads may take; it is done again for copies and for each kind of attack."""
HELD_BYTES = 1e9
"""Auxiliary heads are kept for all that compare them up to this size."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the settings have to suit.

    least: images of the class that has fewest; classes: K that are judged; width: D of the features.
    work: operations of one image's forward pass. limit: operations that an attack may take. effort: as it was told.
    """

    least: int
    classes: int
    width: int
    work: float
    limit: float
    effort: float = 1.0


class Fitted(NamedTuple):
    """AttackSettings, what was changed in them and why, and how many images of a class are taken; None takes all."""

    settings: AttackSettings
    changed: tuple[str, ...] = ()
    per_class: int | None = None


class TooMuch(Exception):
    """An attack that cannot be brought to what there is; the message is the reason."""


def half(there: Situation) -> Situation:
    """The same with half of the images: what copies are attacked with."""
    return replace(there, least=there.least // 2)

"""What an audit is told beside the model and the images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unlearnleak.auditing.given import check_truth
from unlearnleak.config.schema import SEED_LIMIT
from unlearnleak.errors import require


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of `audit`, by the same names; of files that were read there are more.

    notes: on them. digests: their SHA-256. asked: that of all that the command says; None in Python.

    Raises:
        UserError: a seed or an effort that cannot be.
    """

    truth: int | Iterable[int] | None = None
    class_names: Sequence[str] | None = None
    quick: bool = False
    effort: float = 1.0
    seed: int = 0
    device: str = "auto"
    notes: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None

    def __post_init__(self) -> None:
        require(0 <= self.seed < SEED_LIMIT, "seed", self.seed, f"a whole number from 0 to {SEED_LIMIT - 1}")
        require(self.effort > 0, "effort", self.effort, "above 0")

    def names(self, num_classes: int) -> tuple[str, ...] | None:
        """What the classes are called.

        Raises:
            UserError: another number of names.
        """
        names = self.class_names
        fits = names is None or len(names) == num_classes
        require(fits, "class_names", len(names or ()), f"one name for each of {num_classes} classes")
        return tuple(names) if names else None

    def truth_of(self, num_classes: int) -> tuple[int, ...] | None:
        """The classes that were forgotten, where that was told.

        Raises:
            UserError: they are no classes of the model.
        """
        return check_truth(self.truth, num_classes)

"""What an attack is handed: all that its threat model grants, and nothing else.

An attack names the types of the parts of its view, so that mypy knows what it may reach:

    class HeadSum(Attack[View[WhiteBox]]): ...                             # the target alone
    class AuxConfidence(Attack[View[BlackBox, Withheld, LabeledImages]]): ...   # and auxiliary data
    class HeadChange(Attack[View[WhiteBox, WhiteBox]]): ...                # the model before and after

What is not named is `Withheld`, of which no attribute is known; at run time asking for it raises AccessDenied.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias

from typing_extensions import TypeVar

from unlearnleak.adversary.access import AnyAccess, BlackBox, LabelOnly, Model, Queried, WhiteBox
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.data import LabeledImages
from unlearnleak.errors import AccessDenied
from unlearnleak.model.base.answers import Answering, undefended

OPENED: dict[Access, Callable[[Model, Answering], AnyAccess]] = {
    Access.LABEL: LabelOnly,
    Access.BLACK: BlackBox,
    Access.WHITE: lambda model, answering: WhiteBox(model),  # which sees what is behind any answers
}


@dataclass(frozen=True)
class Withheld:
    """Stands for what a threat model does not grant; `why` is the sentence for whoever asks for it."""

    why: str


Target_co = TypeVar("Target_co", covariant=True)
Original_co = TypeVar("Original_co", covariant=True, default=Withheld)
Auxiliary_co = TypeVar("Auxiliary_co", covariant=True, default=Withheld)
Shadows_co = TypeVar("Shadows_co", covariant=True, default=Withheld)
Pretrained_co = TypeVar("Pretrained_co", covariant=True, default=Withheld)
T = TypeVar("T")


@dataclass(frozen=True)
class Shadow(Generic[Target_co]):
    """A model that the attacker made: opened like the target, so that what measures one measures the other."""

    model: Target_co
    forgotten: tuple[int, ...]


@dataclass(frozen=True)
class Pretrained(Generic[Target_co]):
    """The model that a fine-tuning stage began with, and how many samples were tuned on before and after unlearning."""

    model: Target_co
    learnt: int
    kept: int


class View(Generic[Target_co, Original_co, Auxiliary_co, Shadows_co, Pretrained_co]):
    """The parts of an attack's view: access objects to the models, labelled images, shadow models.

    Reading a part that the threat model does not grant raises AccessDenied.
    """

    def __init__(
        self,
        target: Target_co,
        original: Original_co,
        auxiliary: Auxiliary_co,
        shadows: Shadows_co,
        pretrained: Pretrained_co,
    ) -> None:
        self._target, self._original, self._auxiliary, self._shadows = target, original, auxiliary, shadows
        self._pretrained = pretrained

    @property
    def target(self) -> Target_co:
        """Access to the model that is attacked."""
        return granted(self._target)

    @property
    def original(self) -> Original_co:
        """Access to the model before it forgot."""
        return granted(self._original)

    @property
    def auxiliary(self) -> Auxiliary_co:
        """The labelled samples that the attacker holds."""
        return granted(self._auxiliary)

    @property
    def shadows(self) -> Shadows_co:
        """Models that the attacker trained and unlearned alone, with what they forgot."""
        return granted(self._shadows)

    @property
    def pretrained(self) -> Pretrained_co:
        """Access to the model before the fine-tuning, with the numbers of samples."""
        return granted(self._pretrained)

    @property
    def queries(self) -> int:
        """How many images somebody else's models, before and after, were asked about; 0 where nothing is asked."""
        first = self._pretrained.model if isinstance(self._pretrained, Pretrained) else None
        return sum(part.queries for part in (self._target, self._original, first) if isinstance(part, Queried))


AnyView: TypeAlias = View[object, object, object, object, object]


def granted(part: T) -> T:
    """The part itself; AccessDenied where it is withheld."""
    if isinstance(part, Withheld):
        raise AccessDenied(part.why)
    return part


def view_of(
    threat: ThreatModel,
    *,
    target: Model,
    original: Model | None = None,
    auxiliary: LabeledImages | None = None,
    shadows: Sequence[tuple[Model, tuple[int, ...]]] = (),
    pretrained: tuple[Model, int, int] | None = None,
    answering: Answering = undefended,
    shadows_answering: Answering = undefended,
    known_as: str | None = None,
) -> AnyView:
    """What the threat model grants of these; the rest is withheld, whether it is given or not.

    Args:
        target: the unlearned model.
        original: the model before it.
        auxiliary: the labelled samples that an attacker may hold.
        shadows: models that the attacker made, each with the classes that it forgot.
        pretrained: the model before the fine-tuning, with the numbers of samples that were tuned on before and after
            unlearning.
        answering: what the target answers where it can only be asked; the model before has no defence.
        shadows_answering: what the shadow models answer; the attacker knows the defence where they answer alike.
        known_as: what determines the target, where its attacks share what they compute (`adversary.remembered`).

    Raises:
        ValueError: something that the threat model grants was not given.
    """
    given = {"original": original, "auxiliary": auxiliary, "pretrained": pretrained}
    missing = [name for name, value in given.items() if value is None]
    if len(shadows) < threat.shadow_models:
        missing.append("shadows")

    def withheld(what: str) -> Withheld:
        return Withheld(f"The attack's threat model ({threat}) does not grant {what}.")

    granted_parts = {
        "original": threat.original is not Access.NONE,
        "auxiliary": threat.auxiliary,
        "shadows": threat.shadow_models > 0,
        "pretrained": threat.pretrained is not Access.NONE,
    }
    if lacking := [name for name in missing if granted_parts[name]]:
        raise ValueError(f"The threat model ({threat}) grants {' and '.join(lacking)}, which was not given.")
    opened, before, first = OPENED[threat.target], OPENED.get(threat.original), OPENED.get(threat.pretrained)
    made = [Shadow(opened(model, shadows_answering), forgotten) for model, forgotten in shadows[: threat.shadow_models]]
    attacked = opened(target, answering)
    if isinstance(attacked, WhiteBox):
        attacked.known_as = known_as
    return View(
        attacked,
        before(original, undefended) if before and original is not None else withheld("the original model"),
        auxiliary if granted_parts["auxiliary"] else withheld("auxiliary data"),
        tuple(made) if granted_parts["shadows"] else withheld("shadow models"),
        Pretrained(first(pretrained[0], undefended), *pretrained[1:])
        if first and pretrained is not None
        else withheld("the pretrained model"),
    )

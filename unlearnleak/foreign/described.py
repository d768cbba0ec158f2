"""ForeignModel: a model that somebody else made, with what is not possible for it and why."""

from dataclasses import dataclass

from unlearnleak.errors import UserError
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.fitting import some


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Something that is not possible for a model: what, and why, in words for people."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ForeignModel:
    """A model of somebody else's.

    Attributes:
        classifier: in evaluation mode, on the CPU, in float32.
        kind: what it was read from, in words.
        head: the name of the layer that makes the logits; None where none is known.
        white_box: parameters and, where there is a head, features can be seen.
        gradients: there are gradients with respect to the image, as inversion needs.
        limits: what is not possible.
        notes: what was done on the way, such as a prefix that was taken off.
    """

    classifier: Classifier
    kind: str
    head: str | None
    white_box: bool
    gradients: bool
    limits: tuple[Limit, ...]
    notes: tuple[str, ...]


def check_same_architecture(first: ForeignModel, second: ForeignModel) -> None:
    """Raises UserError unless both answer the same questions and, where they can be seen, have the same parameters."""
    for what in ("num_classes", "image_shape"):
        own, other = (getattr(each.classifier, what) for each in (first, second))
        if own != other:
            raise UserError(
                f"The two models differ in {what}: {own} and {other}. The model before must be the same one."
            )
    if not (first.white_box and second.white_box):
        return
    own, other = (
        {name: tuple(value.shape) for name, value in each.classifier.state_dict().items()} for each in (first, second)
    )
    if different := [name for name in {**own, **other} if own.get(name) != other.get(name)]:
        raise UserError(
            f"The model before is of another architecture: {some(different)} differ in name or shape. Give the model "
            "that was unlearned, as it was before."
        )

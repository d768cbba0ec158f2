"""From a module to a ForeignModel: it is asked about a few images, its head is found, what is not possible is said."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import nn
from torch.nn.parameter import is_lazy

from unlearnleak.errors import UserError
from unlearnleak.foreign.classifier import ANY, BatchSizes, Foreign
from unlearnleak.foreign.described import ForeignModel, Limit
from unlearnleak.foreign.head import NONE, Head, find_head
from unlearnleak.foreign.probing import Probe, probe
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.fitting import some

IN_TRAINING = "it was in training mode; it is asked in evaluation mode"
Channels = Sequence[float] | float


@dataclass(frozen=True)
class Found:
    """A module on its way to become a ForeignModel."""

    module: nn.Module
    kind: str
    where: str
    notes: tuple[str, ...] = ()
    batch: BatchSizes = ANY
    closed: str = ""
    """Why its layers cannot be seen; "" where they can."""
    gradients: bool = True


@dataclass(frozen=True)
class Inputs:
    """What the images are like."""

    image_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def per_channel(name: str, value: Channels, image_shape: tuple[int, int, int]) -> tuple[float, ...]:
    """One number a channel."""
    numbers = (float(value),) if isinstance(value, int | float) else tuple(map(float, value))
    numbers = numbers * image_shape[0] if len(numbers) == 1 else numbers
    finite = all(map(math.isfinite, numbers))
    if len(numbers) != image_shape[0] or not finite or (name == "std" and min(numbers) <= 0):
        positive = ", above 0" if name == "std" else ""
        raise UserError(f"{name}={value}: one number for each of {image_shape[0]} channels is needed{positive}.")
    return numbers


def ready(found: Found, inputs: Inputs, num_classes: int | None, head: str | None) -> ForeignModel:
    """Looks at the module from outside, finds its head, and says what is not possible.

    Raises:
        UserError: it has another number of classes, several layers may be its head, or it cannot be asked at all.
    """
    trained = any(part.training for part in found.module.modules())
    _check_numbers(found.module, found.where)
    module = found.module.eval().float().cpu() if found.gradients else found.module.eval()
    found = replace(found, module=module, notes=(*found.notes, *([IN_TRAINING] if trained else [])))
    if isinstance(module, Classifier):
        return _own(found, module, inputs, num_classes)
    seen = probe(module, inputs.image_shape, found.batch)
    if num_classes not in (None, seen.num_classes):
        raise UserError(f"{found.where} has {seen.num_classes} classes, and {num_classes} were told.")
    layer = _head(found, seen, head)
    classifier = Foreign(
        module,
        head=layer.name,
        batch=found.batch,
        probabilities=seen.probabilities,
        image_shape=inputs.image_shape,
        num_classes=seen.num_classes,
        mean=inputs.mean,
        std=inputs.std,
    )
    return _described(replace(found, notes=(*found.notes, *_seen(seen, layer))), classifier.eval(), layer)


def _head(found: Found, seen: Probe, named: str | None) -> Head:
    if not found.closed:
        return find_head(found.module, seen.ask, num_classes=seen.num_classes, named=named)
    if named not in (None, NONE):
        raise UserError(f"{found.where} has no layer {named!r} that can be seen: {found.closed}.")
    return Head(None, why=found.closed)


def _seen(seen: Probe, layer: Head) -> list[str]:
    notes = {
        layer.note: bool(layer.note),
        "it answers probabilities; their logarithms are taken for its logits": seen.probabilities,
        "its answers to the same image differ: something in it is drawn at random": seen.random,
    }
    return [note for note, holds in notes.items() if holds]


def _own(found: Found, model: Classifier, inputs: Inputs, num_classes: int | None) -> ForeignModel:
    """A model of this project's own classes, which knows its head and its normalisation."""
    for what, told in (("num_classes", num_classes), ("image_shape", inputs.image_shape)):
        if told is not None and getattr(model, what) != told:
            raise UserError(f"{found.where} has {what} {getattr(model, what)}, and {told} was told.")
    named = [name for name, part in model.named_modules() if part is model.head]
    layer = Head(named[0]) if named else Head(None, why="none of its layers is known as the head")
    return _described(found, model, layer)


def _described(found: Found, classifier: Classifier, layer: Head) -> ForeignModel:
    return ForeignModel(
        classifier=classifier,
        kind=found.kind,
        head=layer.name,
        white_box=not found.closed,
        gradients=found.gradients,
        limits=tuple(_limits(found, layer)),
        notes=found.notes,
    )


def _check_numbers(module: nn.Module, where: str) -> None:
    lazy = [name for name, value in module.named_parameters() if is_lazy(value) or value.is_meta]
    if lazy:
        raise UserError(f"{where}: {some(lazy)} without numbers yet. Run the model once, or load its weights.")
    broken = [name for name, value in module.named_parameters() if not value.isfinite().all()]
    if broken:
        raise UserError(f"{where}: {some(broken)} holds infinities or no numbers. No attack can read such a model.")


def _limits(found: Found, layer: Head) -> list[Limit]:
    limits = []
    if layer.name is None:
        limits.append(Limit(what="attacks on the head and on features", why=layer.why))
    if found.closed:
        limits.append(
            Limit(what="attacks that compare or change parameters, and defences on weights", why=found.closed)
        )
    if not found.gradients:
        limits.append(Limit(what="inversion by gradients", why=found.closed))
    return limits

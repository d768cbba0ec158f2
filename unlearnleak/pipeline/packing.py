"""Evidence and verdicts as the store keeps them: named tensors and JSON.

What the fields of a kind of evidence are is read off its class, so a plugin's kind is kept like any other.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

import torch
from pydantic import TypeAdapter
from torch import Tensor

from unlearnleak.adversary.evidence import ClassEvidence, Evidence
from unlearnleak.errors import UserError
from unlearnleak.screening.base import Verdict
from unlearnleak.store import Artifact, Contents

E = TypeVar("E", bound=Evidence)


def pack(evidence: Evidence) -> Contents:
    """Evidence as named tensors and JSON; a field's NamedTuple of tensors becomes "field.name" each.

    Raises:
        UserError: the attack diverged, so that its evidence holds infinities or no numbers.
    """
    tensors: dict[str, Tensor] = {}
    meta: dict[str, Any] = {"kind": evidence.kind}
    for name, hint in kept_fields(type(evidence)).items():
        value = getattr(evidence, name)
        if hint is Tensor and value is not None:
            tensors[name] = value
        elif is_group(hint) and value is not None:
            tensors |= {f"{name}.{part}": tensor for part, tensor in value._asdict().items()}
        elif hint is not Tensor and not is_group(hint):
            meta[name] = TypeAdapter(hint).dump_python(value, mode="json")
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise UserError(
                f"The attack has diverged: {name} of its evidence holds infinities or no numbers. "
                "Lower its rates, such as attack.lr or attack.shadow_lr."
            )
    return Contents(tensors, meta)


def check_evidence(found: object, kind: type[Evidence], num_classes: int, who: str) -> None:
    """Hold what an attack returned against what it says of itself.

    Raises:
        UserError: it is of another kind than the attack names, or judges another number of classes.
    """
    if not isinstance(found, kind):
        raise UserError(f"{who} returned a {type(found).__name__}, and names {kind.__name__} as its evidence.")
    if isinstance(found, ClassEvidence) and len(found.samples_KMF) != num_classes:
        raise UserError(
            f"{who} returned evidence about {len(found.samples_KMF)} classes, and there are {num_classes}: the first "
            "dimension of samples_KMF is the candidate class."
        )


def unpack(artifact: Artifact, kind: type[E]) -> E:
    """The inverse of `pack` for evidence of the class `kind`, which its attack names.

    All tensors are on the CPU: screenings are the same there for every device.

    Raises:
        TypeError: the stored evidence is of another kind than the attack's class names.
    """
    if artifact.meta["kind"] != kind.kind:
        raise TypeError(f"The attack names evidence of the kind {kind.kind!r} and gave {artifact.meta['kind']!r}.")
    values: dict[str, Any] = {}
    for name, hint in kept_fields(kind).items():
        if hint is Tensor:
            values[name] = artifact.tensors.get(name)
        elif is_group(hint):
            parts = [artifact.tensors.get(f"{name}.{part}") for part in hint._fields]
            values[name] = None if all(part is None for part in parts) else hint(*parts)
        else:
            values[name] = TypeAdapter(hint).validate_python(artifact.meta[name])
    return kind(**values)


def kept_fields(kind: type[Evidence]) -> dict[str, Any]:
    """The fields of a kind of evidence, each with its type; of optional tensors the type without None."""
    hints = get_type_hints(kind)
    found = {}
    for name in (field.name for field in fields(kind)):
        choices = [each for each in get_args(hints[name]) if each is not type(None)]
        optional = len(choices) == 1 and (choices[0] is Tensor or is_group(choices[0]))
        found[name] = choices[0] if optional else hints[name]
    return found


def is_group(hint: Any) -> bool:
    """Whether a type is a NamedTuple, which stands for several tensors."""
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def pack_verdict(verdict: Verdict) -> Contents:
    """A verdict as named tensors; `judged_K` only where not every class was judged."""
    return Contents({name: tensor for name, tensor in verdict._asdict().items() if tensor is not None}, {})


def on_all_classes(verdict: Verdict, candidates: Sequence[int] | None, num_classes: int) -> Verdict:
    """A verdict on some classes, in their order, as one on all K; None for `candidates` stands for all.

    The others are not judged: they are not named, and their score is no number.
    """
    if candidates is None:
        return verdict
    place_J = torch.tensor(candidates)
    judged_K, forgotten_K = (torch.zeros(num_classes, dtype=torch.bool) for _ in range(2))
    score_K = torch.full((num_classes,), torch.nan, dtype=verdict.score_K.dtype)
    judged_K[place_J], forgotten_K[place_J], score_K[place_J] = True, verdict.forgotten_K, verdict.score_K
    return Verdict(forgotten_K, score_K, judged_K)


def unpack_verdict(artifact: Artifact) -> Verdict:
    """A stored verdict."""
    return Verdict(**{name: artifact.tensors[name] for name in Verdict._fields if name in artifact.tensors})

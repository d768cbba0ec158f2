"""Which classes are to be forgotten."""

import re
from collections.abc import Sequence

import torch

from unlearnleak.errors import UserError


def forget_classes(spec: Sequence[int] | str, num_classes: int, generator: torch.Generator) -> tuple[int, ...]:
    """Return the forgotten classes, sorted.

    `spec` is a list of classes such as [3] or [0, 4, 7], or the string "draw:3" for three classes drawn
    uniformly by the generator, which a list leaves untouched. At least one class is forgotten and at least
    one retained.

    Raises `UserError` for anything else, naming what is wrong with the value.
    """
    if isinstance(spec, str):
        return _draw(spec, num_classes, generator)
    if not isinstance(spec, Sequence):
        raise _refusal(spec, num_classes, "it is neither a list nor a draw")
    if not spec:
        raise _refusal(spec, num_classes, "it is empty, so nothing would be forgotten")
    chosen: list[int] = []
    for item in spec:
        if not isinstance(item, int) or isinstance(item, bool):
            raise _refusal(spec, num_classes, f"{item!r} is not a whole number")
        if not 0 <= item < num_classes:
            raise _refusal(spec, num_classes, f"there is no class {item}")
        chosen.append(item)
    if len(set(chosen)) < len(chosen):
        raise _refusal(spec, num_classes, "a class is named twice")
    if len(chosen) == num_classes:
        raise _refusal(spec, num_classes, "it names every class, so nothing would be retained")
    return tuple(sorted(chosen))


def _draw(spec: str, num_classes: int, generator: torch.Generator) -> tuple[int, ...]:
    match = re.fullmatch(r"draw:([0-9]{1,9})", spec)
    if match is None:
        raise _refusal(spec, num_classes, "it is neither a list nor a draw")
    count = int(match[1])
    if not 1 <= count < num_classes:
        raise _refusal(spec, num_classes, f"{count} classes cannot be drawn")
    drawn = torch.randperm(num_classes, generator=generator)[:count]
    return tuple(sorted(drawn.tolist()))


def _refusal(spec: object, num_classes: int, why: str) -> UserError:
    most = num_classes - 1
    return UserError(
        f"forget_classes={spec!r}: {why}. Allowed: a list of different classes out of 0..{most}, at least "
        f"one and at most {most}, such as [0]; or draw:N with N in 1..{most} for N classes drawn by the "
        f"seed, such as draw:1."
    )

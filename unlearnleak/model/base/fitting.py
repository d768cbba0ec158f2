"""Whether tensors of a file are those of a model: names, shapes and kinds of numbers, held against each other.

Nothing is guessed: a name too many is as wrong as one that is missing.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from unlearnleak.machine.printable import printable

T = TypeVar("T")
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning modules put before every name."""
KINDS = {True: ("F64", "F32", "F16", "BF16"), False: ("I64", "I32", "I16", "I8", "U8")}
"""Types of numbers, in safetensors' words, that weights may be kept in, and counts."""
DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""The same words for tensors that are read already."""
MOST_NAMES, LONGEST_NAME = 5, 60


class Described(NamedTuple):
    """A tensor as a file's header describes it."""

    dtype: str
    shape: tuple[int, ...]


def description(tensor: Tensor) -> Described:
    """The same of a tensor that is read already."""
    return Described(DTYPES.get(tensor.dtype, str(tensor.dtype).removeprefix("torch.")), tuple(tensor.shape))


def misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Described], optional: Collection[str] = ()) -> str:
    """What keeps the tensors from being those that a model has, in words; "" where nothing does.

    Args:
        wanted: the model's state_dict().
        found: what the file has.
        optional: names that may be missing.
    """
    missing = [name for name in wanted if name not in found and name not in optional]
    others = [name for name in found if name not in wanted]
    both = [(name, value, found[name]) for name, value in wanted.items() if name in found]
    shapes = [
        f"{name} is {str(there.shape)[:LONGEST_NAME]} and must be {tuple(value.shape)}"
        for name, value, there in both
        if there.shape != tuple(value.shape)
    ]
    kinds = [
        f"{name} is {there.dtype[:LONGEST_NAME]} and must be {wanted_kind(value)}"
        for name, value, there in both
        if there.dtype not in kinds_for(value)
    ]
    problems = [
        *([f"it lacks {some(missing)}"] if missing else []),
        *([f"it holds {some(others)}, which the model has not"] if others else []),
        *shapes[:MOST_NAMES],
        *kinds[:MOST_NAMES],
    ]
    return printable("; ".join(problems))


def taken(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The tensors in the types that the model has, and which of them are damaged by infinities, in words.

    A name that is missing keeps the model's own value. Infinities that the model has itself, as in masks, are none.
    """
    found = {name: tensors.get(name, value).to(value) for name, value in wanted.items()}  # where 1e300 is infinite
    broken = [name for name, value in found.items() if not (value.isfinite() | (value == wanted[name])).all()]
    return found, f"{some(broken)} holds infinities or no numbers" if broken else ""


def kinds_for(value: Tensor) -> tuple[str, ...]:
    """What a file may hold for a tensor of a model, in safetensors' words."""
    return ("BOOL",) if value.dtype is torch.bool else KINDS[value.is_floating_point()]


def wanted_kind(value: Tensor) -> str:
    """The same in words for people."""
    floating = value.is_floating_point()
    return f"{'floating point' if floating else 'whole numbers'}, one of {', '.join(kinds_for(value))}"


def unwrapped(tensors: dict[str, T]) -> dict[str, T]:
    """The tensors without the prefix that a wrapper put before all of their names."""
    for prefix in WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return unwrapped({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(printable(name)[:LONGEST_NAME] for name in names[:MOST_NAMES]) + more

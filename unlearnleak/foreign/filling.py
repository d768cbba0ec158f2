"""Puts the tensors of a file into a module, strictly: all names, all shapes, finite numbers."""

from collections.abc import Mapping

from torch import Tensor, nn

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.fitting import description, misfits, some, taken, unwrapped

NORMALISATION = ("mean", "std")


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, where: str, name: str) -> tuple[str, ...]:
    """Loads the tensors, without the prefix that a wrapper put before their names; gives what was done, in words.

    Args:
        module: of the architecture that was `name`d.
        tensors: as the file has them.
        where: the file, for errors.

    Raises:
        UserError: names are missing or too many, shapes differ, or numbers are not finite; all are listed.
    """
    wanted = module.state_dict()
    own, notes = _belonging(dict(tensors), wanted, where)
    optional = NORMALISATION if isinstance(module, Classifier) else ()
    if problems := misfits(wanted, {each: description(value) for each, value in own.items()}, optional):
        raise UserError(f"{where} does not fit model={name}: {problems}.{_hint(wanted, own)}")
    values, broken = taken(wanted, own)
    if broken:
        raise UserError(f"{where}: {broken}. No attack can read such a model.")
    module.load_state_dict(values)
    return notes


def _belonging(
    tensors: dict[str, Tensor], wanted: Mapping[str, Tensor], where: str
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Those of the tensors that are the model's, by the names that it has."""
    bare = unwrapped(tensors)
    if tensors.keys() >= wanted.keys() or not wanted:
        return tensors, ()
    if bare is not tensors and bare.keys() >= wanted.keys():
        before = next(iter(tensors)).removesuffix(next(iter(bare)))
        return bare, (f"the prefix {printable(before)!r} was taken off all names",)
    found = _prefixes(tensors, wanted)
    if len(found) > 1:
        raise UserError(
            f"{where} holds several models of this architecture: {some(found)}. Save the one that is meant in a file "
            "of its own."
        )
    if not found:
        return bare, ()
    inside = {name.removeprefix(found[0]): value for name, value in tensors.items() if name.startswith(found[0])}
    others = [name for name in tensors if not name.startswith(found[0])]
    left_out = f"; left out: {some(others)}" if others else ""
    return inside, (f"the weights are those under {printable(found[0])!r}{left_out}",)


def _prefixes(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What stands before all the names that are wanted, such as "net."."""
    first = next(iter(wanted))
    before = [name.removesuffix(first) for name in tensors if name.endswith(f".{first}")]
    return [prefix for prefix in before if all(f"{prefix}{name}" in tensors for name in wanted)]


def _hint(wanted: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    """What to do about a first layer for other colours, which no name of an architecture tells."""
    colours = [
        name
        for name, value in wanted.items()
        if value.ndim == 4 and name in own and own[name].ndim == 4 and own[name].shape[1] != value.shape[1]
    ]
    if not colours or colours[0] != next(name for name, value in wanted.items() if value.ndim == 4):
        return ""
    return (
        f" Its first layer takes {own[colours[0]].shape[1]} channels, this architecture's "
        f"{wanted[colours[0]].shape[1]}: give the class that was trained, --model path/net.py:Class."
    )

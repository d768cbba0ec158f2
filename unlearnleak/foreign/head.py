"""Which layer of a stranger's module is its head: the linear layer whose K outputs become the answer.

The module is asked about a few images, and every linear layer with K rows that is run is held against the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.model.base.fitting import some

NONE = "none"
"""What to say for a module whose linear layers are no head."""


@dataclass(frozen=True)
class Head:
    """The layer's name, None where there is no head; `why` says why not, `note` what is to be known of it."""

    name: str | None
    why: str = ""
    note: str = ""


@dataclass(frozen=True)
class Ran:
    """A linear layer that was run: what it was given [N, D] and what it made of it [N, K]."""

    name: str
    given: Tensor
    made: Tensor


def find_head(module: nn.Module, ask: Callable[[], Tensor], *, num_classes: int, named: str | None) -> Head:
    """The head of `module`, by the order in which its layers are run.

    Args:
        ask: runs the module on a few images; gives its answer [N, K], logits or probabilities.
        num_classes: K.
        named: the layer's name, where somebody has named it; "none" for no head.

    Raises:
        UserError: the layer that was named is none, or several layers may be the head.
    """
    if named is not None:
        return Head(None, why="it was said that there is none") if named == NONE else _checked(module, named, ask)
    answer_NK, ran = traced(module, ask, num_classes)
    candidates = [each for each in ran if each.given.ndim == 2 and [one.name for one in ran].count(each.name) == 1]
    if same := [each for each in candidates if agree(each.made, answer_NK)]:
        return Head(same[-1].name)
    if len(candidates) > 1:
        raise UserError(
            f"Several layers may be the head: {some([each.name for each in candidates])}. Name it: --head "
            f"{candidates[-1].name}, for example, or --head none."
        )
    if not candidates:
        return Head(None, why=_why_none(module, ran, num_classes))
    note = f"what {candidates[0].name!r} makes is changed before it is answered"
    return Head(candidates[0].name, note=note)


def traced(module: nn.Module, ask: Callable[[], Tensor], num_classes: int) -> tuple[Tensor, list[Ran]]:
    """The answer, and the linear layers with K outputs in the order in which they were run."""
    ran: list[Ran] = []
    handles = [
        layer.register_forward_hook(lambda _, given, made, name=name: ran.append(Ran(name, given[0], made)))
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == num_classes
    ]
    try:
        with torch.random.fork_rng(devices=[]):
            return ask(), ran
    finally:
        for handle in handles:
            handle.remove()


def agree(made_NK: Tensor, answer_NK: Tensor) -> bool:
    """Whether a layer's outputs are the answer, but for a softmax or its logarithm behind them."""
    if made_NK.shape != answer_NK.shape:
        return False
    p_NK = made_NK.softmax(1)
    return any(torch.allclose(p_NK, other, atol=1e-4) for other in (answer_NK.softmax(1), answer_NK))


def _checked(module: nn.Module, name: str, ask: Callable[[], Tensor]) -> Head:
    """The layer that was named; `Wrapped` refuses what is no linear layer of K rows."""
    layer = dict(module.named_modules()).get(name)
    if not isinstance(layer, nn.Linear):
        return Head(name)
    answer_NK, ran = traced(module, ask, layer.out_features)
    own = [each for each in ran if each.name == name]
    changed = len(own) == 1 and own[0].given.ndim == 2 and not agree(own[0].made, answer_NK)
    return Head(name, note=f"what {name!r} makes is changed before it is answered" if changed else "")


def _why_none(module: nn.Module, ran: list[Ran], num_classes: int) -> str:
    linear = [f"{name} ({part.out_features})" for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    there = f"its linear layers, with their outputs, are {some(linear)}" if linear else "it has no linear layer"
    if ran:
        there = f"{some(sorted({each.name for each in ran}))} is run several times or on parts of an image"
    return printable(f"no linear layer with {num_classes} outputs makes the answer: {there}")

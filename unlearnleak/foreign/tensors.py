"""The tensors of a file of weights by their names: read as data, whoever wrote them; nothing is unpickled that is code.

From files of torch.save only what PyTorch's `weights_only` reader allows is read, and there is no way round it.
"""

import pickle
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from unlearnleak.data.archive import UNREADABLE, unfolds
from unlearnleak.data.content import read_whole
from unlearnleak.errors import UserError
from unlearnleak.foreign.kind import Kind
from unlearnleak.foreign.reading import asked, with_article
from unlearnleak.machine.printable import first_line, printable
from unlearnleak.model.base.fitting import some
from unlearnleak.model.base.weights import described

ENTRIES = ("state_dict", "model_state_dict", "model_state", "model", "net", "weights", "params")
"""Where people keep a model's state_dict() in what they save."""
CLASSES = ("torch.nn.modules.", "__main__.")
"""Beginnings of names that a whole model brings along in its pickle."""


class Tensors(NamedTuple):
    """The tensors of a model, and what was done to find them."""

    by_name: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def read_tensors(path: Path, kind: Kind) -> Tensors:
    """The tensors in a file of weights of this kind, on the CPU.

    Raises:
        UserError: the file is damaged, holds no tensors or would have to run code, which is named.
    """
    if kind is Kind.SAFETENSORS:
        return Tensors(_safetensors(path))
    found, entry = _state_dict(path, _unpickled(path))
    plain: dict[str, Tensor] = {}
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise UserError(f"{path}: {printable(name)[:60]} is {with_article(type(value).__name__)} and no tensor.")
        plain[str(name)] = _dense(path, str(name), value)
    return Tensors(plain, () if entry is None else (f"the weights are its entry {entry!r}",))


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        asked(path, lambda: described(path))  # before anything of its size is read
        tensors: dict[str, Tensor] = load(asked(path, lambda: read_whole(path)))
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is no sound safetensors file: {printable(error)[:100]}.") from error
    return tensors


def _unpickled(path: Path) -> Any:
    content = asked(path, lambda: read_whole(path))
    try:
        if content.startswith(b"PK") and (reason := unfolds(path)):
            raise UserError(f"{path} is no file of torch.save: {reason}.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles of another protocol than torch.save's
            return torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _blocked(path, content, error) from error
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read: {printable(first_line(error))[:160]}.") from error
    except UserError:
        raise
    except Exception as error:  # whatever torch makes of a pickle that was made up
        why = printable(first_line(error))[:160]
        raise UserError(f"{path} is no sound file of torch.save: {type(error).__name__}: {why}.") from error


def _blocked(path: Path, content: bytes, error: Exception) -> UserError:
    """The refusal of a pickle that asks for more than tensors and plain values, with the names that it asks for."""
    try:
        names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(BytesIO(content)))
    except Exception:  # files of the older format, or damaged ones
        words = str(error).partition("GLOBAL ")[2].split()
        names = words[:1]
    wanted = f"it asks for {some(names)}" if names else printable(first_line(error))[:160]
    if any(name.startswith(CLASSES) for name in names):
        return UserError(
            f"{path} holds a whole model as a pickle, which runs code when it is read: {wanted}. Nothing of it is "
            "read. Where you trust it, save its weights (torch.save(model.state_dict(), FILE)) or the model itself "
            "(torch.export.save), and give that."
        )
    return UserError(
        f"{path} holds more than weights, and reading it would run code: {wanted}. Nothing of it is read. Where you "
        "trust it, save the weights alone: torch.save(model.state_dict(), FILE), or safetensors."
    )


def _state_dict(path: Path, found: Any) -> tuple[Mapping[str, Any], str | None]:
    """The state_dict in what was read, and under which entry it was."""
    if isinstance(found, Mapping) and found:
        if all(isinstance(value, Tensor) for value in found.values()):
            return found, None
        for entry in ENTRIES:
            inner = found.get(entry)
            if isinstance(inner, Mapping) and inner and any(isinstance(value, Tensor) for value in inner.values()):
                return inner, entry
        if any(isinstance(value, Tensor) for value in found.values()):
            return found, None
    there = f"a dictionary of {some([str(name) for name in found])}" if isinstance(found, Mapping) else "no dictionary"
    raise UserError(
        f"{path} holds no weights: it is {there if found else 'empty'}. Allowed: a state_dict(), or a dictionary with "
        f"one as {', '.join(ENTRIES[:2])}."
    )


def _dense(path: Path, name: str, value: Tensor) -> Tensor:
    """The tensor, if it is an ordinary one whose numbers are all there."""
    plain = value.layout is torch.strided and value.device.type == "cpu" and not value.is_quantized
    if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise UserError(f"{path}: {printable(name)[:60]} is no plain tensor whose numbers are all in the file.")
    return value.detach()

"""Weights from a file that somebody else saved: safetensors, read as data and loaded strictly."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from unlearnleak.data.content import check_regular, digest, read_whole
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.model.base import Classifier

T = TypeVar("T")
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning modules put before every name."""
NORMALISATION = ("mean", "std")
"""Buffers that a file may lack: the model then normalises as its data set does."""
KINDS = {True: ("F64", "F32", "F16", "BF16"), False: ("I64", "I32", "I16", "I8", "U8")}
"""Types of numbers, in safetensors' words, that weights may be kept in, and counts."""
LARGEST_HEADER = 2**22
"""Bytes: those of a hundred thousand tensors."""
MOST_NAMES, LONGEST_NAME = 5, 60


class Described(NamedTuple):
    """A tensor as the file's header describes it."""

    dtype: str
    shape: tuple[int, ...]


class WeightsFile:
    """One file of weights; `setting` is where a config names it, for messages."""

    def __init__(self, path: str, *, setting: str) -> None:
        self.path, self.said = Path(path).expanduser(), f"{setting}={path}"

    @cached_property
    def sha256(self) -> str:
        """The digest of the file's content, for keys.

        Raises:
            UserError: it cannot be read.
        """
        return self._asked(digest)

    def load_into(self, model: Classifier) -> None:
        """Put the weights into `model`, whose names and shapes they must have; a wrapper's prefix is taken off.

        Raises:
            UserError: the file cannot be read, is no safetensors file or not the one of the digest, or does not fit.
        """
        expected = self.sha256
        try:
            self._fit(model, unwrapped(self._asked(described)))  # before anything of its size is read
        except ValueError as error:
            raise self._no_weights(error) from error
        content = self._asked(read_whole)
        if hashlib.sha256(content).hexdigest() != expected:
            raise UserError(f"{self.said} was replaced or changed after this run had begun. The same command goes on.")
        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise self._no_weights(error) from error
        self._take(model, unwrapped(tensors))

    def _no_weights(self, error: Exception) -> UserError:
        return UserError(
            f"{self.said} is no safetensors file ({printable(error)[:LONGEST_NAME]}). Save the model's state_dict() "
            "with safetensors.torch.save_file."
        )

    def _asked(self, reader: Callable[[Path], T]) -> T:
        try:
            return reader(self.path)
        except OSError as error:
            raise UserError(
                f"{self.said} cannot be read: {error.strerror}. A relative path starts at the working directory "
                f"{Path.cwd()}."
            ) from error

    def _fit(self, model: Classifier, tensors: Mapping[str, Described]) -> None:
        """Raises UserError unless the tensors have the names, shapes and kinds of the model's."""
        wanted = model.state_dict()
        missing = [name for name in wanted if name not in tensors and name not in NORMALISATION]
        others = [name for name in tensors if name not in wanted]
        shapes = [
            f"{name} is {str(tensors[name].shape)[:LONGEST_NAME]} and must be {tuple(value.shape)}"
            for name, value in wanted.items()
            if name in tensors and tensors[name].shape != tuple(value.shape)
        ]
        kinds = [
            f"{name} is {tensors[name].dtype[:LONGEST_NAME]} and must be {wanted_kind(value)}"
            for name, value in wanted.items()
            if name in tensors and tensors[name].dtype not in KINDS[value.is_floating_point()]
        ]
        problems = [
            *([f"it lacks {some(missing)}"] if missing else []),
            *([f"it holds {some(others)}, which the model has not"] if others else []),
            *shapes[:MOST_NAMES],
            *kinds[:MOST_NAMES],
        ]
        if problems:
            raise self._unfit(model, printable("; ".join(problems)))

    def _unfit(self, model: Classifier, why: str) -> UserError:
        return UserError(
            f"{self.said} does not fit a {type(model).__name__} of {model.num_classes} classes and images "
            f"{'x'.join(map(str, model.image_shape))}: {why}."
        )

    def _take(self, model: Classifier, tensors: dict[str, Tensor]) -> None:
        own = model.state_dict()
        taken = {name: tensors.get(name, value).to(value) for name, value in own.items()}  # where 1e300 is infinite
        if broken := [name for name, value in taken.items() if not value.isfinite().all()]:
            raise self._unfit(model, f"{some(broken)} holds infinities or no numbers")
        model.load_state_dict(taken)


def described(path: Path) -> dict[str, Described]:
    """The tensors of a safetensors file as its header describes them; nothing else of it is read.

    Raises:
        ValueError: it has no such header, or one that promises more than the file holds.
        OSError: it cannot be read, or is no regular file.
    """
    check_regular(path)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise ValueError("its header has no possible length")
        header = file.read(length)
    try:
        listed: dict[str, Any] = json.loads(header)
        found = {
            name: Described(str(entry["dtype"]), tuple(map(int, entry["shape"])))
            for name, entry in listed.items()
            if name != "__metadata__"
        }
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError("its header is none") from error
    if any(min(shape, default=0) < 0 or prod(shape) > size for _, shape in found.values()):  # a number takes a byte
        raise ValueError("its header promises more than the file holds")
    return found


def wanted_kind(value: Tensor) -> str:
    """What a file may hold for a tensor of a model, in words."""
    floating = value.is_floating_point()
    return f"{'floating point' if floating else 'whole numbers'}, one of {', '.join(KINDS[floating])}"


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

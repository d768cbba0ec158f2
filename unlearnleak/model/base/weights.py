"""Weights from a file that somebody else saved: safetensors, read as data and loaded strictly."""

import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load

from unlearnleak.data.content import check_regular, digest, read_whole
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.fitting import LONGEST_NAME, Described, misfits, taken, unwrapped

T = TypeVar("T")
NORMALISATION = ("mean", "std")
"""Buffers that a file may lack: the model then normalises as its data set does."""
LARGEST_HEADER = 2**22
"""Bytes: those of a hundred thousand tensors."""


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
            found = unwrapped(self._asked(described))
        except ValueError as error:
            raise self._no_weights(error) from error
        own = model.state_dict()
        if problems := misfits(own, found, NORMALISATION):  # before anything of its size is read
            raise self._unfit(model, problems)
        content = self._asked(read_whole)
        if hashlib.sha256(content).hexdigest() != expected:
            raise UserError(f"{self.said} was replaced or changed after this run had begun. The same command goes on.")
        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise self._no_weights(error) from error
        values, broken = taken(own, unwrapped(tensors))
        if broken:
            raise self._unfit(model, broken)
        model.load_state_dict(values)

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

    def _unfit(self, model: Classifier, why: str) -> UserError:
        return UserError(
            f"{self.said} does not fit a {type(model).__name__} of {model.num_classes} classes and images "
            f"{'x'.join(map(str, model.image_shape))}: {why}."
        )


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

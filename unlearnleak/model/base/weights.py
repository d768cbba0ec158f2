"""Weights from a file that somebody else saved: safetensors, read as data and loaded strictly."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from unlearnleak.data.content import digest, read_whole
from unlearnleak.errors import UserError
from unlearnleak.model.base import Classifier

T = TypeVar("T")
WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning modules put before every name."""
NORMALISATION = ("mean", "std")
"""Buffers that a file may lack: the model then normalises as its data set does."""
MOST_NAMES = 5


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
        expected, content = self.sha256, self._asked(read_whole)
        if hashlib.sha256(content).hexdigest() != expected:
            raise UserError(f"{self.said} was replaced or changed after this run had begun. The same command goes on.")
        try:
            tensors = load(content)
        except (SafetensorError, ValueError, KeyError) as error:
            raise UserError(
                f"{self.said} is no safetensors file ({error}). Save the model's state_dict() with "
                "safetensors.torch.save_file."
            ) from error
        self._fit(model, unwrapped(tensors))

    def _asked(self, reader: Callable[[Path], T]) -> T:
        try:
            return reader(self.path)
        except OSError as error:
            raise UserError(
                f"{self.said} cannot be read: {error.strerror}. A relative path starts at the working directory "
                f"{Path.cwd()}."
            ) from error

    def _fit(self, model: Classifier, tensors: dict[str, Tensor]) -> None:
        wanted = model.state_dict()
        missing = [name for name in wanted if name not in tensors and name not in NORMALISATION]
        others = [name for name in tensors if name not in wanted]
        shapes = [
            f"{name} is {tuple(tensors[name].shape)} and must be {tuple(value.shape)}"
            for name, value in wanted.items()
            if name in tensors and tensors[name].shape != value.shape
        ]
        kinds = [
            f"{name} is {tensors[name].dtype} and must be floating point"
            for name, value in wanted.items()
            if name in tensors and value.is_floating_point() and not tensors[name].is_floating_point()
        ]
        broken = [name for name, value in tensors.items() if name in wanted and not value.isfinite().all()]
        problems = [
            *([f"it lacks {some(missing)}"] if missing else []),
            *([f"it holds {some(others)}, which the model has not"] if others else []),
            *shapes[:MOST_NAMES],
            *kinds[:MOST_NAMES],
            *([f"{some(broken)} holds infinities or no numbers"] if broken else []),
        ]
        if problems:
            raise UserError(
                f"{self.said} does not fit a {type(model).__name__} of {model.num_classes} classes and images "
                f"{'x'.join(map(str, model.image_shape))}: {'; '.join(problems)}."
            )
        model.load_state_dict({name: tensors.get(name, value).to(value) for name, value in wanted.items()})


def unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the prefix that a wrapper put before all of their names."""
    for prefix in WRAPPERS:
        if tensors and all(name.startswith(prefix) for name in tensors):
            return unwrapped({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def some(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more

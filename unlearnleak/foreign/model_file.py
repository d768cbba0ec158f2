"""A file that brings its own model: what a config names, opened once for all that a job asks of it."""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from unlearnleak.data.content import digest
from unlearnleak.errors import UserError
from unlearnleak.foreign.card import card_in
from unlearnleak.foreign.kind import WEIGHTS, kind_of
from unlearnleak.foreign.model import ForeignModel, open_model
from unlearnleak.model.base import Classifier

CODE = ".py:"
"""What a model that is written in a file of code has in its name, as in "mynet.py:Net"."""


class ModelFile:
    """One file of a model, as `foreign.model.open_model` reads it.

    What is not said is taken from the file's card, where it has one.

    Args:
        path: any file that `open_model` reads.
        setting: the config's name for it, such as "unlearner.path".
        model: what a file of weights alone are the weights of (a word, or FILE.py:CLASS); None for files that say so.
        model_args: what that class or function is called with.
        head: the layer that is the model's last linear one; None to look for it.
        mean, std: what the model's author normalises by, per channel; None takes the data set's.
    """

    def __init__(
        self,
        path: str,
        *,
        setting: str,
        model: str | None,
        model_args: Mapping[str, Any],
        head: str | None,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
    ) -> None:
        self.path, self.said = Path(path).expanduser(), f"{setting}={path}"
        self.model, self.model_args, self.head = model, dict(model_args), head
        self.mean, self.std = mean, std
        self._opened: dict[tuple[Any, ...], ForeignModel] = {}

    @cached_property
    def sha256(self) -> str:
        """The digest of the file's content, for keys.

        Raises:
            UserError: it cannot be read.
        """
        return self._digest(self.path, self.said)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the model beside the file: for keys. Code counts by its content, not by where it lies."""
        name, code = self.model, None
        if name is not None and CODE in name:
            place, _, name = name.rpartition(":")
            code = self._digest(Path(place).expanduser(), f"model={self.model}")
        told = {"model": name, "model_args": self.model_args, "head": self.head, "mean": self.mean, "std": self.std}
        return told | ({"code": code} if code else {})

    def opened(
        self, *, image_shape: tuple[int, int, int], num_classes: int, mean: Sequence[float], std: Sequence[float]
    ) -> ForeignModel:
        """The model for these data, read once.

        Raises:
            UserError: the file holds no such model, or was changed after `sha256` was taken.
        """
        told = (image_shape, num_classes, tuple(mean), tuple(std))
        if told not in self._opened:
            expected, card = self.sha256, card_in(self.path)
            known = (mean, std) if card is None else (card.mean, card.std)
            weights = card is not None and kind_of(self.path) in WEIGHTS
            self._opened[told] = open_model(
                self.path,
                image_shape=image_shape,
                num_classes=num_classes,
                mean=tuple(known[0] if self.mean is None else self.mean),
                std=tuple(known[1] if self.std is None else self.std),
                model=card.model if weights and card and self.model is None else self.model,
                model_args=self.model_args,
                head=card.head if weights and card and self.head is None else self.head,
            )
            if self._digest(self.path, self.said) != expected:
                raise UserError(
                    f"{self.said} was replaced or changed after this run had begun. The same command goes on."
                )
        return self._opened[told]

    def classifier(self, **facts: Any) -> Classifier:
        """A copy of its own of the model for these data (see `opened`), which may be changed."""
        return copy.deepcopy(self.opened(**facts).classifier)

    def load_into(self, model: Classifier) -> None:
        """Put the file's weights into `model`, which is of the same architecture.

        Raises:
            UserError: it is not.
        """
        mean, std = (tuple(buffer.flatten().tolist()) for buffer in (model.mean, model.std))
        own = self.classifier(image_shape=model.image_shape, num_classes=model.num_classes, mean=mean, std=std)
        given, wanted = own.state_dict(), model.state_dict()
        for name in {**wanted, **given}:
            shapes = [tuple(state[name].shape) if name in state else None for state in (given, wanted)]
            if shapes[0] != shapes[1]:
                told = ["absent" if shape is None else f"of shape {shape}" for shape in shapes]
                raise UserError(
                    f"{self.said} is of another architecture than the model that it belongs to: {name} is {told[0]} "
                    f"and must be {told[1]}."
                )
        model.load_state_dict(given)

    def _digest(self, path: Path, said: str) -> str:
        try:
            return digest(path)
        except OSError as error:
            raise UserError(
                f"{said} cannot be read: {error.strerror}. A relative path starts at the working directory "
                f"{Path.cwd()}."
            ) from error

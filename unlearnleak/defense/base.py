"""What every defence is."""

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from unlearnleak.config.component import Component
from unlearnleak.data import ForgetSet, ForgetSplit
from unlearnleak.data.forget import LEVELS
from unlearnleak.errors import Incompatible
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering, undefended


class Defense(Component, ABC):
    """Turns an unlearned model into the one that is shipped and attacked, or stands before its answers.

    Whoever defends knows the data and what was forgotten. A defence overrides `__call__`, `answer` or both. One of
    answers hides nothing from a white box.

    Before anything is trained, the settings are held against what is known by then (`check`, `check_classes`,
    `check_counts`, `check_forget`). Where nothing was forgotten, D_f is empty: a defence that treats forgotten classes
    apart then changes nothing.

    Class attributes:
        active: False only for `none`, which makes no stage.
        levels: what the model may have forgotten: whole classes ("class"), parts of them ("sample"), or both.
        needs_head: whether it works on the model's last linear layer, which somebody else's model may not have.
        needs_truth: whether it has to be told what was forgotten, which of somebody else's model may not be known.
    """

    active: ClassVar[bool] = True
    levels: ClassVar[frozenset[str]] = LEVELS
    needs_head: ClassVar[bool] = False
    needs_truth: ClassVar[bool] = False

    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The defended model; the same model unless a defence changes its weights.

        Args:
            model: the unlearned model in evaluation mode, which may be changed in place.
            split: the training images, divided into D_f and D_r, on the model's device.
            generator: a CPU generator for all that is drawn.
        """
        return model

    def answer(self, model: Classifier, x_NCHW: Tensor, generator: torch.Generator) -> Tensor:
        """What whoever asks the defended model is told: probabilities [N, K], by default softmax f(x).

        Args:
            model: what `__call__` has made, in evaluation mode.
            x_NCHW: normalised images on its device.
            generator: a CPU generator for all that is drawn. It goes on from query to query.
        """
        return undefended(model, x_NCHW)

    def answering(self, generator: torch.Generator) -> Answering:
        """The same as a function of a model and normalised images, which draws from `generator`.

        Of a defence that leaves answers as they are it is `undefended` itself, by which whoever asks knows that nothing
        is drawn.
        """
        if type(self).answer is Defense.answer:
            return undefended
        return lambda model, x_NCHW: self.answer(model, x_NCHW, generator)

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where the settings cannot be with this many classes."""

    def check_counts(self, counts_K: Sequence[int]) -> None:
        """Raises UserError where D_f and D_r together, with so many images of each class, are not enough for it."""

    def check_forget(self, forget: ForgetSet) -> None:
        """Raises Incompatible where it cannot defend a model that has forgotten such a set."""
        if forget.level not in self.levels:
            can = "whole classes" if self.levels == {"class"} else "parts of classes"
            raise Incompatible(
                f"{self._word()} is for models that have forgotten {can}, and this one is to forget {forget}. Take "
                f"another defense, such as head_repair, or let it forget {can}."
            )

    def _word(self) -> str:
        """As on the command line."""
        return f"defense={type(self).__module__.rpartition('.')[2]}"

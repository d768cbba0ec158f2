"""What every defence is."""

from abc import ABC
from typing import ClassVar

import torch
from torch import Tensor

from unlearnleak.config.component import Component
from unlearnleak.data import ForgetSplit
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering, undefended


class Defense(Component, ABC):
    """Turns an unlearned model into the one that is shipped and attacked, or stands before its answers.

    Whoever defends knows the data and what was forgotten. A defence overrides `__call__`, `answer` or both. One of
    answers hides nothing from a white box.

    Class attributes:
        active: False only for `none`, which makes no stage.
    """

    active: ClassVar[bool] = True

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
        """The same as a function of a model and normalised images, which draws from `generator`."""
        return lambda model, x_NCHW: self.answer(model, x_NCHW, generator)

"""What every defence is."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from unlearnleak.config.component import Component
from unlearnleak.data import ForgetSplit
from unlearnleak.model.base import Classifier


class Defense(Component, ABC):
    """Turns an unlearned model into the one that is shipped and attacked.

    Whoever defends knows the data and what was forgotten.

    Class attributes:
        active: False only for `none`, which makes no stage.
    """

    active: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, model: Classifier, split: ForgetSplit, generator: torch.Generator) -> Classifier:
        """The defended model.

        Args:
            model: the unlearned model in evaluation mode, which may be changed in place.
            split: the training images, divided into D_f and D_r, on the model's device.
            generator: a CPU generator for all that is drawn.
        """

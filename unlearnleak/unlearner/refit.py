"""refit: a control: the original goes on training on all of its data, so that weights move and nothing is forgotten."""

from typing import Any

from unlearnleak.unlearner.base import TrainingUnlearner


class Refit(TrainingUnlearner):
    """What `ft` does, with nothing left out. An attack that takes any change of weights for forgetting names a class.

    Takes the settings of a training; those of `ft` are recipe@unlearner=mnist_lenet_ft.
    """

    version = 1
    captured = True
    forgets = False

    def __init__(self, **training: Any) -> None:
        super().__init__(**training)

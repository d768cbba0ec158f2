"""What every evaluation is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from unlearnleak.config.component import Choices, Component
from unlearnleak.errors import Incompatible
from unlearnleak.evaluation.base.subject import Subject


class Found(NamedTuple):
    """What an evaluation measured.

    numbers: what result.json keeps under `evaluation`: numbers, None where one is not defined, and lists of numbers.
    tensors: what figures or a second look need, such as a score for each sample; kept in the store.
    """

    numbers: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = {}


class Evaluation(Component, ABC):
    """Measures the model that is shipped, knowing all that there is to know: no attack, and of no use to one.

    One is a function from a subject to numbers:

        class Agreement(Evaluation):
            version = 1
            references = 1

            def __call__(self, subject: Subject) -> Found:
                images = subject.test.images
                here, there = (m.probabilities(images).argmax(1) for m in (subject.target, subject.references[0]))
                return Found({"agreement": (here == there).double().mean().item()})

    Whatever further models it asks for are ordinary stages, which sweeps share. A number that begins with `retrained_`
    or `original_` is the same measured of retrained models, or of the model before: reports show the first beside it.

    Class attributes:
        active: False only for `none`, which makes no stage.
        references: how many models it is handed that were retrained without the forget set, each of a seed of its own.
        shadows: how many shadow models it is handed, which learnt and forgot, as the target did, a random half of the
            candidates each.
        sees_before: whether it also sees the model before unlearning, and each shadow model before it unlearned.
    """

    active: ClassVar[bool] = True
    references: int = 0
    shadows: int = 0
    sees_before: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, subject: Subject) -> Found:
        """What was measured. All that is drawn comes from `subject.generator`."""

    def check(self, chosen: Choices) -> None:
        """Raises Incompatible where the models that it needs cannot be made, or nobody knows what was learnt."""
        if self.active and not chosen.can_shadow:
            raise Incompatible(
                f"{self._word()} has to know what the model was trained on and how, which of a model from a file "
                f"(unlearner={chosen.names['unlearner']}) nobody does. Leave evaluation at none, or train the model."
            )

    def _word(self) -> str:
        """As on the command line."""
        return f"evaluation={type(self).__module__.rpartition('.')[2]}"

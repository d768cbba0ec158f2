"""What every screening is."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, NamedTuple

from torch import Tensor
from typing_extensions import TypeVar

from unlearnleak.adversary.evidence import Evidence
from unlearnleak.config.component import Component


class Verdict(NamedTuple):
    """One judgement per candidate class.

    forgotten_K: bool, true where the class is inferred as forgotten.
    score_K: float, larger means more likely forgotten; comparable between the classes of one target.
    judged_K: bool, false where a class could not be judged; None where all were. A screening leaves it alone.
    """

    forgotten_K: Tensor
    score_K: Tensor
    judged_K: Tensor | None = None


E_contra = TypeVar("E_contra", bound=Evidence, contravariant=True, default=Any)


class Screening(Component, ABC, Generic[E_contra]):
    """Turns evidence into a verdict. It sees the evidence and nothing else.

    `Screening[Predictions | Scores]` says what its call reads.

    Class attributes:
        accepts: the kinds of evidence that it can read; one that is fitted on shadow targets names `Calibrated` kinds.
        judges: False only for `none`, which makes no stage.
        published: the as-published protocol in `metric.published` that measures this screening's kind of figure.
    """

    accepts: ClassVar[tuple[type[Evidence], ...]]
    judges: ClassVar[bool] = True
    published: ClassVar[str | None] = None

    @abstractmethod
    def __call__(self, evidence: E_contra) -> Verdict:
        """Judge every candidate class."""

    def as_published(self) -> "Screening[E_contra] | None":
        """The same screening with the paper's own reading of a prediction vector, where that differs from ours."""
        return None

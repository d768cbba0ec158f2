"""What every screening is."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from torch import Tensor

from unlearnleak.adversary.evidence import Evidence


class Verdict(NamedTuple):
    """One judgement per candidate class.

    forgotten_K: bool, true where the class is inferred as forgotten.
    score_K: float, larger means more likely forgotten; comparable between the classes of one target.
    """

    forgotten_K: Tensor
    score_K: Tensor


class Screening(ABC):
    """Turns evidence into a verdict. It sees the evidence and nothing else.

    Class attributes:
        version: raise it when the screening's verdicts change.
        accepts: the kinds of evidence that it can read.
        needs_calibration: whether it has to be fitted on shadow targets first.
        published: the as-published protocol in `metric.published` that measures this screening's kind of figure.
    """

    version: ClassVar[int]
    accepts: ClassVar[frozenset[str]]
    needs_calibration: ClassVar[bool] = False
    published: ClassVar[str | None] = None

    @abstractmethod
    def __call__(self, evidence: Evidence) -> Verdict:
        """Judge every candidate class."""

    def as_published(self) -> "Screening | None":
        """The same screening with the paper's own reading of a prediction vector, where that differs from ours."""
        return None

"""threshold: a class is taken for forgotten that lies k standard deviations below the mean of all."""

from typing import Literal, get_args

from torch import Tensor

from unlearnleak.adversary.evidence import Predictions, Scores
from unlearnleak.errors import UserError, require
from unlearnleak.screening.base import Screening, Verdict

Statistic = Literal["asked", "max"]


class Threshold(Screening[Predictions | Scores]):
    """Forgotten if the class's value is below mu - k sigma over all classes (paper, eq. 27-30).

    The value of a prediction is a probability of the best restart; that of a score is its mean sample. sigma
    is the population's (divided by K). j of K values lie below the rest by at most sqrt((K - j) / j) sigma: with
    K = 10, k = 1 can find up to four classes that stand apart, k = 1.5 three, k = 2 a single one. The rule knows
    no absolute scale: where nothing was forgotten, the lowest class is often below mu - sigma all the same.

    Args:
        k: the coefficient of eq. 29.
        statistic: of predictions, "asked" takes p_c, the probability of the class that the image was made for,
            and "max" the largest of any class, to the letter of eq. 27. They agree where an inversion reaches its
            class; that a forgotten class's image is taken for another one with certainty only "asked" sees.
    """

    version = 1
    accepts = (Predictions, Scores)

    def __init__(self, *, k: float, statistic: Statistic) -> None:
        if statistic not in get_args(Statistic):
            raise UserError(f"screening.statistic={statistic} is unknown: take one of {get_args(Statistic)}.")
        require(k >= 0, "screening.k", k, "0 or more")
        self.k, self.statistic = k, statistic

    def __call__(self, evidence: Predictions | Scores) -> Verdict:
        """Classes below the threshold; the score is the value, negated.

        Of predictions the score is the logarithm: probabilities that round to 1 or to 0 still differ in it.
        """
        if isinstance(evidence, Scores):
            value_K = level_K = evidence.samples_KMF[..., 0].double().mean(1)
        else:
            log_p_KF = evidence.samples_KMF[:, 0].double()
            level_K = log_p_KF.amax(1) if self.statistic == "max" else log_p_KF.diagonal()
            value_K = level_K.exp()
        return Verdict(self._below(value_K), -level_K)

    def _below(self, value_K: Tensor) -> Tensor:
        """Eq. 27-30; values that are all equal are not below their mean, whatever rounding says."""
        limit = value_K.mean() - self.k * value_K.std(correction=0)
        return (value_K < limit) & (value_K.max() > value_K.min())

    def as_published(self) -> "Threshold | None":
        """With the maximum of each prediction vector as its value."""
        return None if self.statistic == "max" else Threshold(k=self.k, statistic="max")

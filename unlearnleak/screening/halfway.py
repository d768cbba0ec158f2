"""halfway: a class that the target knows much less than its typical class is taken for forgotten."""

from unlearnleak.adversary.evidence import Confidences
from unlearnleak.screening.base import Screening, Verdict


class Halfway(Screening[Confidences]):
    """Forgotten if the mean probability of the right class is below the geometric mean of 1 / K and the typical one.

    Half-way on a logarithmic scale. `chance` misses a class of which a tenth is left; this does not, and what counts as
    little follows the target: a model of 68 % accuracy knows all its classes less than one of 99 %. The typical
    probability is the median of the upper half of the classes: at least half of these must be known.
    """

    version = 1
    accepts = (Confidences,)

    def __call__(self, evidence: Confidences) -> Verdict:
        """The verdict; the score is the negated mean probability."""
        p_K = evidence.samples_KMF.double().mean((1, 2))
        classes = len(p_K)
        typical = p_K.topk(max(1, classes // 2)).values.median()
        return Verdict(p_K < (typical / classes).sqrt(), -p_K)

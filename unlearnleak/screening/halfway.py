"""halfway: a class that the target knows much less than its typical class is taken for forgotten."""

from unlearnleak.adversary.evidence import Confidences, Margins
from unlearnleak.screening.base import Screening, Verdict


class Halfway(Screening[Confidences | Margins]):
    """Forgotten if the mean probability of the right class is below the geometric mean of 1 / K and the typical one.

    Half-way on a logarithmic scale. `chance` misses a class of which a tenth is left; this does not, and what counts as
    little follows the target: a model of 68 % accuracy knows all its classes less than one of 99 %. The typical
    probability is the median of the upper half of the classes: at least half of these must be known.

    Margins are logarithms that are 0 for a guess: half-way is half of the typical one. Where no class has a positive
    margin none is known, and nothing is named.
    """

    version = 1
    accepts = (Confidences, Margins)

    def __call__(self, evidence: Confidences | Margins) -> Verdict:
        """The verdict; the score is the negated mean probability, or margin."""
        mean_K = evidence.samples_KMF.double().mean((1, 2))
        classes = len(mean_K)
        typical = mean_K.topk(max(1, classes // 2)).values.median()
        if isinstance(evidence, Margins):
            return Verdict((mean_K < typical / 2) & (typical > 0), -mean_K)
        return Verdict(mean_K < (typical / classes).sqrt(), -mean_K)

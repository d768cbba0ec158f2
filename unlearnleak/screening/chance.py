"""chance: a class whose samples the target knows no better than by guessing is taken for forgotten."""

from unlearnleak.adversary.evidence import Confidences
from unlearnleak.screening.base import Screening, Verdict


class Chance(Screening[Confidences]):
    """Forgotten if the mean probability of the right class is below 1 / K.

    An absolute scale: nothing is fitted, no number of forgotten classes is assumed, and a class that is only harder
    than the others stays above it as long as the model knows anything of it.
    """

    version = 1
    accepts = (Confidences,)

    def __call__(self, evidence: Confidences) -> Verdict:
        """The verdict; the score is the negated mean probability."""
        p_K = evidence.samples_KMF.double().mean((1, 2))
        return Verdict(p_K < 1 / len(p_K), -p_K)

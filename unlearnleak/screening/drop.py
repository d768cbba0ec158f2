"""drop: a class whose probes lost much of their probability, and more than those of other classes, is forgotten."""

from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict


class Drop(Screening[ProbeChanges]):
    """Forgotten if D_t is below mu - k sigma over all classes, and below -least.

    D_t is the mean change of the probability of class t on its probes. `threshold` asks for the first alone, and knows
    no scale: of a model in which all D_t are thousandths, as after a little noise or a fine-tuning that forgot nothing,
    it names the lowest. Whatever forgot a class took much more of its probes' probability than that.

    Args:
        k: as in `threshold`.
        least: the fall of a probability that counts, above 0 and below 1.
    """

    version = 1
    accepts = (ProbeChanges,)

    def __init__(self, *, k: float, least: float) -> None:
        require(k >= 0, "screening.k", k, "0 or more")
        require(0 < least < 1, "screening.least", least, "above 0 and below 1")
        self.k, self.least = k, least

    def __call__(self, evidence: ProbeChanges) -> Verdict:
        """The verdict; the score is -D_t."""
        change_K = evidence.samples_KMF[..., 0].double().mean(1)
        limit = change_K.mean() - self.k * change_K.std(correction=0)
        return Verdict((change_K < limit) & (change_K < -self.least), -change_K)

"""drop: classes whose probes lost more of their probability than others, by a visible gap, are taken for forgotten."""

from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict


class Drop(Screening[ProbeChanges]):
    """Forgotten if D_t lies below the widest gap between the K values of D, where that gap is wide enough.

    D_t is the mean change of the probability of class t on its probes. `threshold` compares with mu - k sigma and knows
    no scale: of a model in which all D_t are thousandths, as after a little noise or a fine-tuning that forgot nothing,
    it names the lowest. And retraining changes the answers to every probe, so that mu and sigma are those of the
    retained classes' scatter. What was forgotten stands apart from them.

    Args:
        least: the gap that counts, as a difference of probabilities; above 0 and below 1.
    """

    version = 1
    accepts = (ProbeChanges,)

    def __init__(self, *, least: float) -> None:
        require(0 < least < 1, "screening.least", least, "above 0 and below 1")
        self.least = least

    def __call__(self, evidence: ProbeChanges) -> Verdict:
        """The verdict; the score is -D_t."""
        change_K = evidence.samples_KMF[..., 0].double().mean(1)
        sorted_K = change_K.sort().values
        gap_K = sorted_K.diff()
        widest = int(gap_K.argmax())
        return Verdict((change_K <= sorted_K[widest]) & (gap_K[widest] >= self.least), -change_K)

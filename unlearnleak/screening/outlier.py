"""outlier: a class that reads lower than retained classes of shadow targets ever do is taken for forgotten."""

from unlearnleak.adversary.evidence import Calibrated, CalibratedPredictions, DotProducts
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict

NORMAL_MAD = 1.4826
"""What makes the median absolute deviation of a normal distribution its standard deviation."""
LEAST = 1e-4
"""In units of a retained class's reading. Where all classes of all shadow targets, forgotten ones too, read alike
within this, the measurement is constant; and no deviation is taken for smaller, since rounding would be many of them.
"""


class Outlier(Screening[Calibrated]):
    """Forgotten if the class's mean aligned sample is k deviations below the shadow targets' retained classes.

    Only what the attacker knows best is used: how retained classes read. `youden` also learns from the shadow targets'
    forgotten classes, which were never seen at all; a class that was unlearned gently reads between the two, above a
    threshold half-way. Centre and deviation are the median and the median absolute deviation (scaled to a normal
    distribution's), which a few shadow targets that trained badly do not move. Where forgotten classes read
    as these do, all alike (LEAST), nothing was measured, and nothing is named.

    Args:
        k: how many deviations.
    """

    version = 2
    accepts = (DotProducts, CalibratedPredictions)

    def __init__(self, *, k: float) -> None:
        require(k > 0, "screening.k", k, "above 0")
        self.k = k

    def __call__(self, evidence: Calibrated) -> Verdict:
        """The verdict; the score is how many deviations a class lies below the retained ones' median."""
        shadow_SK = evidence.calibration.features_SKMF.double().mean((2, 3))
        known_N = shadow_SK[~evidence.calibration.forgotten_SK]
        centre = known_N.median()
        deviation = NORMAL_MAD * (known_N - centre).abs().median()
        below_K = centre - evidence.aligned_KMF.double().mean((1, 2))
        score_K = below_K / deviation.clamp(min=LEAST)
        return Verdict((score_K > self.k) & bool(shadow_SK.max() - shadow_SK.min() >= LEAST), score_K)

"""youden: a threshold on the dot products, where the true positive rate exceeds the false positive rate most."""

from unlearnleak.adversary.cut import LEAST, best_cut
from unlearnleak.adversary.evidence import Calibrated, CalibratedPredictions, CalibratedScores, DotProducts
from unlearnleak.screening.base import Screening, Verdict


class Youden(Screening[Calibrated]):
    """Forgotten if the class's mean aligned sample is at most the shadow targets' Youden threshold.

    It reads whatever carries a calibration of one feature that is smaller for forgotten classes.

    The paper fits the threshold on heads of the target itself that are already labelled forgotten or retained; that
    figure is `asr_published`. Here it is fitted on the shadow targets, class means against class means
    (docs/design.md). Where the shadow targets' forgotten and retained classes cannot be told apart (J below LEAST), as
    where a measurement is constant or noise, no threshold means anything, and nothing is named.
    """

    version = 2
    accepts = (DotProducts, CalibratedPredictions, CalibratedScores)
    published = "youden"

    def __call__(self, evidence: Calibrated) -> Verdict:
        """The verdict; the score is how far a class lies below the threshold, in units of a retained class."""
        shadow_SK = evidence.calibration.features_SKMF.mean((2, 3))
        threshold, best = best_cut(shadow_SK.flatten(), evidence.calibration.forgotten_SK.flatten())
        score_K = threshold - evidence.aligned_KMF.mean((1, 2))
        return Verdict((score_K >= 0) & (best >= LEAST), score_K)

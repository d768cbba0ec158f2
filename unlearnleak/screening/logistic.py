"""logistic: a logistic regression on several readings of a class, fitted on shadow models."""

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from unlearnleak.adversary.evidence import CalibratedReadings
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict


class Logistic(Screening[CalibratedReadings]):
    """A class is forgotten if the regression gives it more than `least` of a probability.

    Fitted on every class of every shadow model, readings standardised over these. Shadow models forget more often than
    a class of a target may have been: `least` above 1/2 makes up for that.

    Args:
        c: the inverse strength of the L2 penalty, as C of sklearn.linear_model.LogisticRegression.
        least: the probability that a class must exceed.

    Raises `UserError` for values that cannot be meant.
    """

    version = 1
    accepts = (CalibratedReadings,)

    def __init__(self, *, c: float, least: float) -> None:
        require(c > 0, "screening.c", c, "above 0")
        require(0 < least < 1, "screening.least", least, "between 0 and 1")
        self.c, self.least = c, least

    def __call__(self, evidence: CalibratedReadings) -> Verdict:
        """The verdict; the score is the probability."""
        features_SKMF, forgotten_SK = evidence.calibration
        classes, samples, width = evidence.aligned_KMF.shape
        known_NF = features_SKMF.reshape(-1, width).double().numpy()
        scale = StandardScaler().fit(known_NF)
        regression = LogisticRegression(C=self.c, max_iter=1000)
        regression.fit(scale.transform(known_NF), forgotten_SK.repeat_interleave(samples).numpy())
        asked_NF = evidence.aligned_KMF.reshape(-1, width).double().numpy()
        p_KM = regression.predict_proba(scale.transform(asked_NF))[:, 1]
        score_K = torch.from_numpy(p_KM).view(classes, samples).mean(1).float()
        return Verdict(score_K > self.least, score_K)

"""level: a class that an inversion cannot reach is taken for forgotten."""

from unlearnleak.adversary.evidence import Predictions
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict


class Level(Screening[Predictions]):
    """Forgotten if the image made for the class is taken for it with a probability below a fixed level.

    An absolute scale, unlike the paper's mu - k sigma and its two clusters: it can say that nothing was forgotten, and
    it needs no number of forgotten classes.

    Args:
        at: the level, a probability.
    """

    version = 1
    accepts = (Predictions,)

    def __init__(self, *, at: float) -> None:
        require(0 < at < 1, "screening.at", at, "above 0 and below 1")
        self.at = at

    def __call__(self, evidence: Predictions) -> Verdict:
        """The verdict; the score is the negated log-probability of the class that the best restart was made for."""
        log_p_K = evidence.samples_KMF[:, 0].double().diagonal()
        return Verdict(log_p_K.exp() < self.at, -log_p_K)

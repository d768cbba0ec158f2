"""level: a class that an inversion cannot reach is taken for forgotten."""

import math
from typing import Any

from torch import Tensor

from unlearnleak.adversary.evidence import Predictions
from unlearnleak.errors import require
from unlearnleak.screening.base import Screening, Verdict

MANY = 10
"""Of more classes than the paper's data sets have, what an image reaches depends on how many there are."""


class Level(Screening[Predictions]):
    """Forgotten if the image made for the class is taken for it with a probability below a fixed level.

    An absolute scale, unlike the paper's mu - k sigma and its two clusters: it can say that nothing was forgotten, and
    it needs no number of forgotten classes.

    Of more than MANY classes the level is lower: a softmax over more of them is less sure of each, above all where
    weights have decayed, so that a fine-tuned model of 20 classes that knows all but one reaches 0.5 to 0.7 of those
    that it knows. Half-way from guessing (1 / K) to what it typically reaches, on a logarithmic scale, is
    sqrt(typical / K); the level is as many times that as `at` is of sqrt(1 / MANY), and `at` at most. The typical class
    is the median of the half that is reached best.

    Args:
        at: the level, a probability; of up to MANY classes as it is.
    """

    version = 1
    accepts = (Predictions,)

    def __init__(self, *, at: float) -> None:
        require(0 < at < 1, "screening.at", at, "above 0 and below 1")
        self.at = at

    def __call__(self, evidence: Predictions) -> Verdict:
        """The verdict; the score is the negated log-probability of the class that the best restart was made for."""
        log_p_K = evidence.samples_KMF[:, 0].double().diagonal()
        return Verdict(log_p_K.exp() < self.level(log_p_K.exp()), -log_p_K)

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """That the level of many classes is lower: what was judged before that is not used."""
        return {"level": 1} if num_classes > MANY else {}

    def level(self, p_K: Tensor) -> float:
        """What a class must reach."""
        classes = len(p_K)
        if classes <= MANY:
            return self.at
        typical = float(p_K.topk(classes // 2).values.median())
        return self.at * min(1.0, math.sqrt(MANY * typical / classes))

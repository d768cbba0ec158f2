"""Was anything forgotten at all? One number a target, and how well it tells unlearned models from controls.

Shape letter: K classes; N targets.
"""

import numpy as np
from numpy.typing import ArrayLike

from unlearnleak.metric.verdict import auroc


def detection_score(score_K: ArrayLike) -> float:
    """Return the highest of a target's class scores, of which larger means more likely forgotten.

    The maximum presumes nothing about how many classes were forgotten: one or nine of ten, the likeliest of them stands
    as high. A gap to the other classes would shrink, and change its sign, as they are forgotten too. Scores are taken
    as they are: what they owe to the scale of a target's weights counts against an attack whose scores have none.
    """
    return float(np.max(np.asarray(score_K, dtype=np.float64)))


def detection_auroc(unlearned_N: ArrayLike, control_N: ArrayLike) -> float | None:
    """Return P(score of an unlearned model > score of a control), a tie counting one half; None without either."""
    unlearned, control = np.atleast_1d(unlearned_N), np.atleast_1d(control_N)
    scores = np.concatenate([unlearned, control])
    truth = np.arange(len(scores)) < len(unlearned)
    return auroc(scores, truth) if len(scores) else None

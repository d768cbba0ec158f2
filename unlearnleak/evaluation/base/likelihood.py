"""What evaluations by shadow models have in common: a Gaussian for each candidate and each thing that befell it.

Shape letters: P candidates, S shadow models.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unlearnleak.errors import require
from unlearnleak.evaluation.base import Evaluation
from unlearnleak.evaluation.base.subject import Candidates, Seen, Subject
from unlearnleak.metric.membership import Array, Gaussians, Kernels, Variance, gaussians, scaled_confidence

FEWEST = 4
"""Shadow models: two that learnt a candidate and two that did not, or nothing is known of how far models differ."""


class Readings(NamedTuple):
    """Logit-scaled confidences of the candidates: of the target [P] and of shadow models [S, P].

    before_P, before_SP: of the models before they unlearned, where these are seen.
    """

    target_P: Array
    after_SP: Array
    learnt_SP: np.ndarray
    before_P: Array | None
    before_SP: Array | None


class ByShadows(Evaluation):
    """Likelihoods from shadow models, which learnt and forgot as the target did.

    Args:
        shadows: how many, an even number: each candidate is learnt by one half of them.
        variance: "pooled" for one variance over all candidates, "sample" for one each, which takes more shadow models.

    Raises `UserError` for settings that cannot be.
    """

    def __init__(self, *, shadows: int, variance: str) -> None:
        require(variance in ("pooled", "sample"), "evaluation.variance", variance, "pooled or sample")
        needed = f"an even number, at least {FEWEST}"
        require(shadows >= FEWEST and shadows % 2 == 0, "evaluation.shadows", shadows, needed)
        self.shadows = shadows
        self.variance: Variance = "pooled" if variance == "pooled" else "sample"

    def read(self, subject: Subject) -> Readings:
        """Ask every model about every candidate."""
        candidates = subject.candidates
        after, learnt, before = [], [], []
        for shadow in subject.shadows():
            after.append(confidence(shadow.after, candidates))
            learnt.append(shadow.learnt_P.numpy())
            if shadow.before is not None:
                before.append(confidence(shadow.before, candidates))
        return Readings(
            confidence(subject.target, candidates),
            np.stack(after),
            np.stack(learnt),
            confidence(subject.original, candidates) if subject.original is not None else None,
            np.stack(before) if before else None,
        )

    def fitted(self, x_SP: Array, known_SP: np.ndarray) -> Gaussians | Kernels:
        """A density for each candidate, of the values of those models for which `known_SP` is true."""
        return gaussians(x_SP, known_SP, self.variance)

    def unlearnt_ratio(self, readings: Readings) -> Array:
        """log of p(target's answer | learnt and forgotten) / p(target's answer | never seen), [P]."""
        forgotten = self.fitted(readings.after_SP, readings.learnt_SP)
        unseen = self.fitted(readings.after_SP, ~readings.learnt_SP)
        return forgotten.log_density(readings.target_P) - unseen.log_density(readings.target_P)


def confidence(seen: Seen, candidates: Candidates) -> Array:
    """The logit-scaled confidence of each candidate's own class, [P]."""
    samples = candidates.samples
    return scaled_confidence(seen.probabilities(samples.images).numpy(), samples.labels.cpu().numpy())


def counts(subject: Subject) -> dict[str, int]:
    """How many candidates of either kind there are."""
    forgotten_P = subject.candidates.forgotten_P
    return {"n_forgotten": int(forgotten_P.sum()), "n_held_out": int((~forgotten_P).sum())}


def kept(score_P: Array, subject: Subject) -> dict[str, Tensor]:
    """The scores, for figures and a second look."""
    return {"score_P": torch.from_numpy(score_P), "forgotten_P": subject.candidates.forgotten_P}

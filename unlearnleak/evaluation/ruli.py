"""ruli: two likelihood ratios a sample: forgotten or never seen (privacy), forgotten or still known (efficacy)."""

import numpy as np

from unlearnleak.evaluation.base import Found
from unlearnleak.evaluation.base.likelihood import ByShadows, Readings, counts, kept
from unlearnleak.evaluation.base.subject import Subject
from unlearnleak.metric.membership import Array, gaussians, membership_metrics


class Ruli(ByShadows):
    """Both questions of RULI for each sample, from the same shadow models (Naderloui et al. 2025).

    After https://arxiv.org/abs/2506.13009. Privacy (`auc` and its like): was the sample learnt and forgotten, or
    never seen? Efficacy (`efficacy_auc` and its like): are the answers of the unlearned model those of one that
    forgot the sample, or of one that still knows it? For the latter the likelihood of being known is fitted to the
    shadow models before they unlearned, and the target is to be told from the model before, on each forgotten sample: 1
    where unlearning changed what the model says of it beyond doubt, 0.5 where it changed nothing.

    Ours: Gaussians of logit-scaled confidences, as in U-LiRA, so that the first question has the same answer as there;
    the models before for the second one, since no sample of a class that is forgotten as a whole is retained; and the
    whole forget set, where the authors pick samples that models memorise most.

    Args:
        shadows: how many, an even number: each candidate is learnt by one half of them.
        variance: "pooled" for one variance over all candidates, "sample" for one each, which takes more shadow models.

    Raises `UserError` for settings that cannot be.
    """

    version = 1
    sees_before = True

    def __call__(self, subject: Subject) -> Found:
        """The metrics of both ratios; of each candidate the first ratio is kept."""
        readings, forgotten_P = self.read(subject), subject.candidates.forgotten_P.numpy()
        score_P = self.unlearnt_ratio(readings)
        after_P, before_P = self.known_ratio(readings)
        own = np.concatenate([after_P[forgotten_P], before_P[forgotten_P]])
        efficacy = membership_metrics(own, np.arange(len(own)) < len(own) // 2)
        named = {f"efficacy_{name}": value for name, value in efficacy.items()}
        return Found(membership_metrics(score_P, forgotten_P) | named | counts(subject), kept(score_P, subject))

    def known_ratio(self, readings: Readings) -> tuple[Array, Array]:
        """log of p(answer | learnt and forgotten) / p(answer | learnt and known), of the target and of the original."""
        assert readings.before_SP is not None, "sees_before asks for them"
        assert readings.before_P is not None, "sees_before asks for them"
        forgotten = gaussians(readings.after_SP, readings.learnt_SP, self.variance)
        known = gaussians(readings.before_SP, readings.learnt_SP, self.variance)
        after_P, before_P = (
            forgotten.log_density(x_P) - known.log_density(x_P) for x_P in (readings.target_P, readings.before_P)
        )
        return after_P, before_P

"""ruli: two likelihood ratios a sample: forgotten, or never seen by this model (privacy) or by one that forgot nothing
(efficacy)."""

import numpy as np

from unlearnleak.errors import require
from unlearnleak.evaluation.base import Found
from unlearnleak.evaluation.base.likelihood import ByShadows, Readings, counts, kept
from unlearnleak.evaluation.base.subject import Subject
from unlearnleak.metric.membership import Array, Gaussians, Kernels, kernels, membership_metrics


class Ruli(ByShadows):
    """Both questions of RULI for each sample, from the same shadow models (Naderloui et al. 2025).

    After https://arxiv.org/abs/2506.13009 and the authors' code (datasec-lab/Ruli, core/attack/unlearn_attack.py).
    Privacy (`auc` and its like): was the sample learnt and forgotten, or never seen? Both answers are the unlearned
    model's, both densities those of shadow models after they unlearned. Efficacy (`efficacy_auc` and its like): does a
    forgotten sample look as if it had never been seen? Forgotten samples are answered by the unlearned model, held-out
    ones by the model before it unlearned, and the second density is that of shadow models before they unlearned: 0.5
    where forgetting left what never having learnt would have, 1 where it left a mark beyond doubt, or the sample known.

    Ours: the whole forget set is asked, where the authors pick samples that models memorise most and others that they
    do not; each candidate is learnt and forgotten by one half of the shadow models and unseen by the other, where
    theirs keep a third of them, which neither ratio reads.

    Args:
        shadows: how many, an even number: each candidate is learnt by one half of them.
        density: "kernel" for a Gaussian kernel around each shadow model's answer, "normal" for one Gaussian.
        bandwidth: the kernel's standard deviation, in logits, above 0.
        variance: with density "normal": "pooled" for one variance over all candidates, "sample" for one each.

    Raises `UserError` for settings that cannot be.
    """

    version = 2
    sees_before = True

    def __init__(self, *, shadows: int, density: str, bandwidth: float, variance: str) -> None:
        super().__init__(shadows=shadows, variance=variance)
        require(density in ("kernel", "normal"), "evaluation.density", density, "kernel or normal")
        require(0 < bandwidth < float("inf"), "evaluation.bandwidth", bandwidth, "above 0, and finite")
        self.density, self.bandwidth = density, float(bandwidth)

    def fitted(self, x_SP: Array, known_SP: np.ndarray) -> Gaussians | Kernels:
        """A density for each candidate, of the values of those models for which `known_SP` is true."""
        return kernels(x_SP, known_SP, self.bandwidth) if self.density == "kernel" else super().fitted(x_SP, known_SP)

    def __call__(self, subject: Subject) -> Found:
        """The metrics of both ratios; of each candidate the first ratio is kept."""
        readings, forgotten_P = self.read(subject), subject.candidates.forgotten_P.numpy()
        score_P = self.unlearnt_ratio(readings)
        efficacy = membership_metrics(self.efficacy_ratio(readings, forgotten_P), forgotten_P)
        named = {f"efficacy_{name}": value for name, value in efficacy.items()}
        return Found(membership_metrics(score_P, forgotten_P) | named | counts(subject), kept(score_P, subject))

    def efficacy_ratio(self, readings: Readings, forgotten_P: np.ndarray) -> Array:
        """log of p(answer | learnt and forgotten) / p(answer | never seen, nothing forgotten), [P], of the target's
        answer to a forgotten sample and that of the model before to a held-out one.
        """
        assert readings.before_SP is not None, "sees_before asks for them"
        assert readings.before_P is not None, "sees_before asks for them"
        forgotten = self.fitted(readings.after_SP, readings.learnt_SP)
        unseen = self.fitted(readings.before_SP, ~readings.learnt_SP)
        answer_P = np.where(forgotten_P, readings.target_P, readings.before_P)
        return forgotten.log_density(answer_P) - unseen.log_density(answer_P)

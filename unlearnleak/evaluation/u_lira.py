"""u_lira: was a sample learnt and forgotten, or never seen? The likelihood-ratio attack on unlearned models."""

from unlearnleak.evaluation.base import Found
from unlearnleak.evaluation.base.likelihood import ByShadows, counts, kept
from unlearnleak.evaluation.base.subject import Subject
from unlearnleak.metric.membership import membership_metrics


class ULiRA(ByShadows):
    """Membership of each forgotten sample by a likelihood ratio of its own (Hayes et al. 2024).

    U-LiRA, https://arxiv.org/abs/2403.01218, after LiRA (Carlini et al. 2022, https://arxiv.org/abs/2112.03570). The
    candidates are the forget set and test images of the same classes. Each shadow model is trained on what the target
    retains and a random half of the candidates, and unlearns these as the target unlearned. A Gaussian is fitted for
    each candidate to its logit-scaled confidence after unlearning in the models that learnt and forgot it, another one
    to that in the models that never saw it; their ratio at the target's confidence is the score. An area (`auc`) of 0.5
    is what retraining comes to.

    Args:
        shadows: how many, an even number: each candidate is learnt by one half of them.
        variance: "pooled" for one variance over all candidates, "sample" for one each, which takes more shadow models.

    Raises `UserError` for settings that cannot be.
    """

    version = 1

    def __call__(self, subject: Subject) -> Found:
        """The metrics of the ratios, which are kept for each candidate."""
        score_P = self.unlearnt_ratio(self.read(subject))
        metrics = membership_metrics(score_P, subject.candidates.forgotten_P.numpy())
        return Found(metrics | counts(subject), kept(score_P, subject))

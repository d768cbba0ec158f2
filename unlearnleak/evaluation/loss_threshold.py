"""loss_threshold: is a forgotten sample's loss smaller than that of a sample that was never seen? The baseline."""

import numpy as np

from unlearnleak.evaluation.base import Evaluation, Found
from unlearnleak.evaluation.base.likelihood import counts, kept
from unlearnleak.evaluation.base.subject import Subject
from unlearnleak.metric.membership import LEAST, membership_metrics


class LossThreshold(Evaluation):
    """Membership of the forgotten samples by one threshold on the loss, the same for all of them.

    Yeom et al. 2018 (https://arxiv.org/abs/1709.01604): a sample with a small loss is taken for one that was learnt.
    The candidates are the forget set and test images of the same classes. An area (`auc`) of 0.5 is chance; one
    below says that forgotten samples have become less likely than ones that were never seen, which tells as much about
    them. It needs no other model.
    """

    version = 1

    def __call__(self, subject: Subject) -> Found:
        """The metrics of negated losses, which are kept for each candidate."""
        samples = subject.candidates.samples
        p_PK = subject.target.probabilities(samples.images).numpy()
        own_P = p_PK[np.arange(len(p_PK)), samples.labels.cpu().numpy()]
        score_P = np.log(np.maximum(own_P, LEAST))
        metrics = membership_metrics(score_P, subject.candidates.forgotten_P.numpy())
        return Found(metrics | counts(subject), kept(score_P, subject))

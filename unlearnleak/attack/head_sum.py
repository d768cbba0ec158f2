"""head_sum: a baseline that reads the last layer and does nothing else."""

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack


class HeadSum(Attack[View[WhiteBox]]):
    """White box, no data: sum_d W_cd + b_c for each class c.

    Features behind a ReLU are >= 0, and training without a class only ever pushes its logit down: its row of the head
    sinks. An attack that costs more should find more than this does.
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE)
    evidence = Scores

    def __call__(self, view: View[WhiteBox], generator: torch.Generator) -> Scores:
        """The row sums [K, 1, 1]; smaller is more likely forgotten."""
        weight_KD, bias_K = view.target.head()
        return Scores(samples_KMF=(weight_KD.sum(1) + bias_K)[:, None, None].cpu())

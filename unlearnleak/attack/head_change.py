"""head_change: a baseline that sees the model before and after, and reads how far each row of the last layer moved."""

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Changes
from unlearnleak.adversary.rows import moved_shares
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack


class HeadChange(Attack[View[WhiteBox, WhiteBox]]):
    """Two white boxes, no data, no query: mean_d |W'_cd - W_cd| + |b'_c - b_c| for each class c, as a share of all.

    The label inference of "Unlearning Inversion Attacks for Federated Unlearning", https://arxiv.org/abs/2508.06789
    (ULIA), carried over to a model before and after: its forgotten labels are those whose rows moved most, the top k
    or those with z > 2. Here a screening decides. It is the baseline beside the attacks of Hu et al. 2024, which also
    see both models: an attack with data and queries should find more. Retrained models say nothing: all rows differ.
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.WHITE)
    evidence = Changes

    def __call__(self, view: View[WhiteBox, WhiteBox], generator: torch.Generator) -> Changes:
        """The negated shares [K, 1, 1], smaller is more likely forgotten; all 0 where no row moved."""
        return Changes(samples_KMF=-moved_shares(view.target, view.original)[:, None, None].cpu())

"""aux_confidence: a baseline that shows a target the labelled samples that an attacker holds and reads its answers."""

import torch

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Confidences
from unlearnleak.adversary.standard import stacked
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages
from unlearnleak.errors import require


class AuxConfidence(Attack[View[BlackBox, Withheld, LabeledImages]]):
    """Black box, auxiliary data: the probability p_c(x) of each auxiliary sample x of class c.

    A class is deleted so that the model no longer knows its samples. Whoever holds labelled samples, as every attacker
    by parameters does, may simply ask: an attack that needs such data should find more than this does.
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK, auxiliary=True)
    evidence = Confidences

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where there are no auxiliary samples."""
        require(per_class >= 1, "dataset.auxiliary_per_class", per_class, "at least 1: this attack asks about them")

    def __call__(self, view: View[BlackBox, Withheld, LabeledImages], generator: torch.Generator) -> Confidences:
        """p_c of the auxiliary samples of class c, [K, n, 1]; smaller is more likely forgotten."""
        target, auxiliary, asked_before = view.target, view.auxiliary, view.queries
        p_NK = target.probabilities(auxiliary.images.float() / 255)
        own_KM = stacked(p_NK.gather(1, auxiliary.labels[:, None])[:, 0], auxiliary.labels, target.num_classes)
        return Confidences(samples_KMF=own_KM[..., None].cpu(), queries=view.queries - asked_before)

"""aux_margin: param_dot without parameters: how far the answers put a class above the others on its own samples."""

import torch

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Margins
from unlearnleak.adversary.standard import stacked
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages
from unlearnleak.errors import require

LEAST = torch.finfo(torch.float32).eps
"""What a smaller probability is read as: softmax rounds it away beside 1."""


class AuxMargin(Attack[View[BlackBox, Withheld, LabeledImages]]):
    """Black box, auxiliary data: log p_c(x) - mean_k log p_k(x) over the other classes k, for each sample x of c.

    What `param_dot` comes to. A head that is trained on samples of class c alone moves by sum_i a_i (phi_i, 1), where
    the K entries of a_i add up to 0: so its dot product with any other head is that of its initial weights, plus
    sum_i a_i . log p(x_i) of the other head's answers to these samples, whose normalisers cancel. With a_i spread
    evenly over the other classes that is this margin, times a factor. No parameters are needed, and no heads.
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK, auxiliary=True)
    evidence = Margins

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where there are no auxiliary samples."""
        require(per_class >= 1, "dataset.auxiliary_per_class", per_class, "at least 1: this attack asks about them")

    def __call__(self, view: View[BlackBox, Withheld, LabeledImages], generator: torch.Generator) -> Margins:
        """The margins of the auxiliary samples of class c, [K, n, 1] in nats; smaller is more likely forgotten."""
        target, auxiliary, asked_before = view.target, view.auxiliary, view.queries
        log_NK = target.probabilities(auxiliary.images.float() / 255).clamp(min=LEAST).log()
        own_N = log_NK.gather(1, auxiliary.labels[:, None])[:, 0]
        margin_N = own_N - (log_NK.sum(1) - own_N) / (target.num_classes - 1)
        margin_KM = stacked(margin_N, auxiliary.labels, target.num_classes)
        return Margins(samples_KMF=margin_KM[..., None].cpu(), queries=view.queries - asked_before)

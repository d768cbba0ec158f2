"""param_diff: the difference between heads trained on one class and the target's head, read by a decision tree."""

from typing import Any

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import Evidence, LabeledFeatures
from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.shadow import units
from unlearnleak.attack.base.comparison import Comparison, ParameterAttack
from unlearnleak.data import LabeledImages


def centred_logits(heads: Heads, phi_XD: Tensor) -> Tensor:
    """Each head's logits at each of X points, minus their mean over the K classes: [M, X, K]."""
    logits_MXK = torch.einsum("mkd,xd->mxk", heads.weight_MKD, phi_XD) + heads.bias_MK[:, None]
    return logits_MXK - logits_MXK.mean(2, keepdim=True)


def own_first(values_TKMK: Tensor) -> Tensor:
    """Class-aligned order of the last axis: the candidate class's own entry, then the others from large to small.

    Args:
        values_TKMK: [T, K candidate classes, M, K entries].
    """
    classes = values_TKMK.shape[1]
    own_KK = torch.eye(classes, dtype=torch.bool, device=values_TKMK.device)[None, :, None].expand_as(values_TKMK)
    own = values_TKMK[own_KK].view(*values_TKMK.shape[:3], 1)
    others = values_TKMK[~own_KK].view(*values_TKMK.shape[:3], classes - 1)
    return torch.cat([own, others.sort(dim=3, descending=True).values], dim=3)


class ParameterDifference(ParameterAttack):
    """delta_cm = theta_cm - theta_u in R^(KD + K) (paper, IV-B1).

    The raw vectors are what the paper's tree is given. They cannot be compared between targets: which coordinate means
    what depends on the class and on the target's features, and theta_u is the same in all of them, so that within one
    target a tree on delta_cm is a tree on theta_cm. The aligned form reads the same difference where it has a meaning,
    as logits at the mean feature vector of class c: both heads are first brought to units in which a retained class's
    own logit is about 1 (`shadow.units`), and the entry of class c itself comes first.
    """

    version = 2
    evidence = "difference"

    def aligned(self, compared: Comparison) -> Tensor:
        """Aligned differences [T, K, M, K], the real target first."""
        heads, targets, forgotten_SK, centroid_KD, _ = compared
        classes = len(centroid_KD)
        diagonal = torch.arange(classes, device=centroid_KD.device)
        head_KMD = heads.weight_MKD.unflatten(0, (classes, -1))
        bias_KMK = heads.bias_MK.unflatten(0, (classes, -1))
        head_KMK = torch.einsum("cmkd,cd->cmk", head_KMD, centroid_KD) + bias_KMK
        head_KMK = head_KMK - head_KMK.mean(2, keepdim=True)
        typical_K = head_KMK[diagonal, :, diagonal].mean(1)
        target_TKK = centred_logits(targets, centroid_KD)
        unit_TK = units(target_TKK.diagonal(dim1=1, dim2=2), forgotten_SK)
        difference = (head_KMK / typical_K[:, None, None])[None] - (target_TKK / unit_TK[..., None])[:, :, None]
        return own_first(difference)

    def __call__(self, target: Any, auxiliary: LabeledImages | None, generator: torch.Generator) -> Evidence:
        """Evidence with samples_KMF = the M difference vectors of each class (F = KD + K) and their calibration."""
        assert auxiliary is not None, "needs_auxiliary"
        compared = self.compare(target, auxiliary, generator)
        difference_RF = compared.heads.flat() - compared.targets.flat()[0]
        aligned_TKMF = self.aligned(compared)
        return Evidence(
            kind=self.evidence,
            samples_KMF=difference_RF.unflatten(0, (-1, self.heads)),
            aligned_KMF=aligned_TKMF[0],
            calibration=LabeledFeatures(aligned_TKMF[1:], compared.forgotten_SK),
        )

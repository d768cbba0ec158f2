"""param_diff: the difference between heads trained on one class and the target's head, read by a decision tree."""

from typing import Any

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import Differences, LabeledFeatures
from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.rivals import MANY
from unlearnleak.attack.base.comparison import Comparison, read_against_rivals
from unlearnleak.attack.base.published import PublishedAttack

WHOLE_BYTES, PART_BYTES = 48e6, 24e6
"""Raw vectors of up to 48 MB are kept whole (10 classes of 200 heads on 512 features: 41 MB), of more 24 MB."""


def centred_logits(heads: Heads, phi_XD: Tensor) -> Tensor:
    """Each head's logits at each of X points, minus their mean over the K classes: [M, X, K]."""
    logits_MXK = torch.einsum("mkd,xd->mxk", heads.weight_MKD, phi_XD) + heads.bias_MK[:, None]
    return logits_MXK - logits_MXK.mean(2, keepdim=True)


def own_logits(heads: Heads, centroid_CD: Tensor) -> Tensor:
    """Logits of the M heads of each of C classes at the class's mean, minus their mean over all K: [C, M, K]."""
    weight_CMKD, bias_CMK = (part.unflatten(0, (len(centroid_CD), -1)) for part in heads)
    logits_CMK: Tensor = torch.einsum("cmkd,cd->cmk", weight_CMKD, centroid_CD) + bias_CMK
    return logits_CMK - logits_CMK.mean(2, keepdim=True)


def own(values_TKMK: Tensor) -> Tensor:
    """The candidate class's own entry, [T, K, M]."""
    return values_TKMK.diagonal(dim1=1, dim2=3).transpose(1, 2)


def own_first(values_TKMK: Tensor) -> Tensor:
    """Class-aligned order of the last axis: the candidate class's own entry, then the others from large to small.

    Args:
        values_TKMK: [T, K candidate classes, M, K entries].
    """
    classes = values_TKMK.shape[1]
    own_KK = torch.eye(classes, dtype=torch.bool, device=values_TKMK.device)[None, :, None].expand_as(values_TKMK)
    others = values_TKMK[~own_KK].view(*values_TKMK.shape[:3], classes - 1)
    return torch.cat([own(values_TKMK)[..., None], others.sort(dim=3, descending=True).values], dim=3)


def margins(values_TKMK: Tensor) -> Tensor:
    """How far the candidate class's own entry is above the largest of the others, [T, K, M, 1]."""
    first = own_first(values_TKMK)
    return first[..., :1] - first[..., 1:2]


def kept_coordinates(heads: int, width: int) -> Tensor | None:
    """Which coordinates of so many raw vectors are kept: None for all, or a random part, always the same one."""
    if 4 * heads * width <= WHOLE_BYTES:
        return None
    count = max(1, int(PART_BYTES // (4 * heads)))
    return torch.randperm(width, generator=torch.Generator().manual_seed(0))[:count].sort().values


def aligned_differences(compared: Comparison, head_KMK: Tensor) -> Tensor:
    """Aligned differences [T, K, M, F] between heads and targets, the real target first.

    F is K. Of more than `rivals.MANY` classes it is 1: of the margins over the nearest rival. Where a class was
    unlearned gently, what its rival took shows in that entry and in hardly another, and a tree, which splits where its
    shadow targets are told apart best, then reads one of the others.

    Args:
        head_KMK: the heads' `own_logits`.
    """
    of_head, of_target = head_KMK[None], centred_logits(compared.targets, compared.centroid_KD)[:, :, None]
    many = len(head_KMK) > MANY
    if many:
        of_head, of_target = margins(of_head), margins(of_target)
    own_1KM, own_TK1 = ((part[..., 0] if many else own(part)) for part in (of_head, of_target))
    unit_TK11 = compared.units(own_TK1[..., 0])[..., None, None]
    difference = of_head / own_1KM.mean(2)[..., None, None] - of_target / unit_TK11
    return difference if many else own_first(difference)


class ParameterDifference(PublishedAttack):
    """delta_cm = theta_cm - theta_u in R^(KD + K) (paper, IV-B1).

    The raw vectors are what the paper's tree is given. They cannot be compared between targets: which coordinate means
    what depends on the class and on the target's features, and theta_u is the same in all of them, so that within one
    target a tree on delta_cm is a tree on theta_cm. The aligned form reads the same difference where it has a meaning,
    as logits at the mean feature vector of class c: both heads are first brought to units in which a retained class's
    own logit is about 1 (`shadow.units`), and the entry of class c itself comes first. What a verdict on it uses is the
    target's share of it, the logits: constants in the place of all auxiliary heads give the same verdicts.

    Of many classes and features not everything is kept, and never all heads at once held: the margin over the nearest
    rival of the aligned form, `kept_coordinates` of the raw vectors.
    """

    version = 4
    evidence = Differences

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """Of many classes margins are read against rivals."""
        return {**super().beyond_settings(num_classes, image_shape), **read_against_rivals(num_classes)}

    def read(self, compared: Comparison, labels_N: Tensor) -> Differences:
        """Evidence with the M aligned differences of each class, their calibration, and the paper's vectors."""
        assert compared.published_KMF is not None
        logits = [own_logits(heads, compared.centroid_KD[of.start : of.stop]) for of, heads in compared.heads]
        aligned_TKMF = aligned_differences(compared, torch.cat(logits))
        return Differences(
            samples_KMF=compared.published_KMF,
            aligned_KMF=aligned_TKMF[0],
            calibration=LabeledFeatures(aligned_TKMF[1:], compared.forgotten_SK),
        )

    def measure(self, heads: Heads, target_F: Tensor) -> Tensor:
        """The difference of each head and the target's, [R, KD + K], or the coordinates of it that are kept."""
        difference_RF, classes = heads.flat() - target_F, heads.bias_MK.shape[1]
        kept_F = kept_coordinates(self.heads * classes, len(target_F))
        return difference_RF if kept_F is None else difference_RF[:, kept_F.to(target_F.device)]

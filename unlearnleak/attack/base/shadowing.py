"""Attacks that measure models of their own as they measure the target, and so learn how forgotten classes read.

K classes, S shadow models, F readings of a class, N auxiliary samples.
"""

from abc import abstractmethod
from typing import Generic, TypeVar

import torch
from torch import Tensor

from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.adversary.evidence import CalibratedReadings, LabeledFeatures
from unlearnleak.adversary.view import Shadow, View, Withheld
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages
from unlearnleak.errors import require

SHADOWS = 8
"""Two that forgot nothing, and six that forgot one class to half of them (`adversary.shadow.shadow_plan`)."""
Box = TypeVar("Box", BlackBox, WhiteBox)


class ShadowAttack(Attack[View[Box, Withheld, LabeledImages, tuple[Shadow[Box], ...]]], Generic[Box]):
    """Measures each class of the target and of whole shadow models, which were trained and unlearned as the target was.

    Args:
        knows_defense: whether the attacker knows the target's defence and puts it before the shadow models too; without
            a defence there is no difference.
    """

    evidence = CalibratedReadings

    def __init__(self, *, knows_defense: bool) -> None:
        self.knows_defense = knows_defense

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where there are no auxiliary samples."""
        require(per_class >= 1, "dataset.auxiliary_per_class", per_class, "at least 1: this attack asks about them")

    @abstractmethod
    def read(self, model: Box, auxiliary: LabeledImages) -> Tensor:
        """What is measured of one model: [K, F], each column of the same meaning for every class and model."""

    def __call__(
        self, view: View[Box, Withheld, LabeledImages, tuple[Shadow[Box], ...]], generator: torch.Generator
    ) -> CalibratedReadings:
        """The readings of the target, and those of the shadow models with what these forgot.

        A class's readings are relative to how the class reads in the shadow models that know it: some are harder than
        others also for a model that forgot nothing.
        """
        before = view.queries
        target_KF = self.read(view.target, view.auxiliary).cpu()
        shadow_SKF = torch.stack([self.read(shadow.model, view.auxiliary).cpu() for shadow in view.shadows])
        classes = torch.arange(len(target_KF))
        forgotten_SK = torch.stack([torch.isin(classes, torch.tensor(each.forgotten)) for each in view.shadows])
        known_SK1 = (~forgotten_SK)[..., None].float()
        usual_KF = (shadow_SKF * known_SK1).sum(0) / known_SK1.sum(0).clamp(min=1)
        return CalibratedReadings(
            samples_KMF=target_KF[:, None],
            aligned_KMF=(target_KF - usual_KF)[:, None],
            calibration=LabeledFeatures((shadow_SKF - usual_KF)[:, :, None], forgotten_SK),
            queries=view.queries - before,
        )


def read_answers(p_NK: Tensor, labels_N: Tensor) -> Tensor:
    """How each class reads in the answers to labelled samples, [K, 4] on the CPU, which asks a device once.

    Of its own samples: the mean log-probability of the class, the share that is answered so, and the mean entropy of
    the answers; of all others': the log of the mean probability that the class is given.
    """
    p_NK, labels_N = p_NK.cpu(), labels_N.cpu()
    classes, tiny = p_NK.shape[1], 1e-6
    log_NK = p_NK.clamp(min=tiny).log()
    entropy_N = -(p_NK * log_NK).sum(1)
    rows = []
    for c in range(classes):
        own_N = labels_N == c
        elsewhere = p_NK[~own_N, c].mean().clamp(min=tiny).log()
        right = (p_NK[own_N].argmax(1) == c).float().mean()
        rows.append(torch.stack([log_NK[own_N, c].mean(), right, entropy_N[own_N].mean(), elsewhere]))
    return torch.stack(rows)


def read_head(weight_KD: Tensor, bias_K: Tensor) -> Tensor:
    """How each row of a head reads beside the model's other rows, [K, 4].

    The log of its norm and its bias, both less the median over the classes; its mean over the features' deviations; and
    its cosine with the mean of the other rows.
    """
    norm_K = weight_KD.norm(dim=1).clamp(min=1e-6).log()
    others_KD = (weight_KD.sum(0) - weight_KD) / max(1, len(weight_KD) - 1)
    mean_K = weight_KD.mean(1) / weight_KD.std().clamp(min=1e-6)
    cosine_K = torch.cosine_similarity(weight_KD, others_KD, dim=1)
    return torch.stack([norm_K - norm_K.median(), bias_K - bias_K.median(), mean_K, cosine_K], 1)

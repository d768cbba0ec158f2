"""inversion_shadow: gradient inversion of the target and of shadow targets, against which its outcomes are held."""

from typing import Any

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import CalibratedPredictions, LabeledFeatures
from unlearnleak.adversary.inversion import Descent, rows_in_the_box, to_pixels
from unlearnleak.adversary.shadow import ShadowTargets
from unlearnleak.adversary.standard import Standard, features_of
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack, require_auxiliary
from unlearnleak.attack.base.shadowed import OnShadowTargets
from unlearnleak.data import LabeledImages


def reach(log_p: Tensor) -> Tensor:
    """-log(-log p): how far an inversion got, growing without bound as p approaches 1, where p itself saturates.

    Probabilities whose logarithm rounds to 0 count as the largest that does not.
    """
    smallest = torch.finfo(log_p.dtype).tiny
    return -(-log_p).clamp(min=smallest).log()


def centred(reach_TK: Tensor, forgotten_SK: Tensor, upper: int | None = None) -> Tensor:
    """`reach` less what it would be for a retained class of this target, so that those read about 0: [T, K].

    Less the class's own (its mean over the shadow targets that know it), and less the target's own: the mean over the
    `upper` of its classes that read highest, half of them where it is not said, since the attacker does not know how
    many are missing.
    """
    known_SK = (~forgotten_SK).to(reach_TK)
    reach_TK = reach_TK - (reach_TK[1:] * known_SK).sum(0) / known_SK.sum(0)
    upper = upper or max(1, reach_TK.shape[1] // 2)
    return reach_TK - reach_TK.topk(upper, dim=1).values.mean(1, keepdim=True)


class InversionShadow(OnShadowTargets, Attack[View[WhiteBox, Withheld, LabeledImages]]):
    """White box, auxiliary data: gradient inversion (paper, eq. 19-21), calibrated on shadow targets.

    Shadow targets are heads that the attacker trains on the target's own features (`adversary/shadow.py`). All are
    inverted in the same batch as the target. Aligned form: how far the inversion of a class got, less what a retained
    class of the same target reads (`centred`), smaller for forgotten ones.

    Args:
        shadows: S, shadow targets.
        shadow_steps, shadow_lr, shadow_momentum: how these are trained.
        shadow_most: how many classes one of them forgets at most; None for half of them.
        hard_classes: how many retained classes of each are noisy or rare (`adversary.shadow.hard_classes`).
        restarts, steps, lr, l2, tv, chunk: as in InversionGradient.
    """

    version = 2
    threat = ThreatModel(target=Access.WHITE, auxiliary=True)
    evidence = CalibratedPredictions

    def __init__(
        self,
        *,
        restarts: int,
        steps: int,
        lr: float,
        l2: float,
        tv: float,
        chunk: int | None,
        shadows: int,
        shadow_steps: int,
        shadow_lr: float,
        shadow_momentum: float,
        shadow_most: int | None = None,
        hard_classes: int = 0,
    ) -> None:
        self.descent = Descent(restarts=restarts, steps=steps, lr=lr, l2=l2, tv=tv, chunk=chunk)
        self.shadow = ShadowTargets(
            count=shadows,
            steps=shadow_steps,
            lr=shadow_lr,
            momentum=shadow_momentum,
            most=shadow_most,
            hard=hard_classes,
        )

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where there are no auxiliary samples."""
        require_auxiliary(per_class, 1, "samples per class for shadow targets")

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """How shadow targets of many classes are made, and that rows stay in their box."""
        return {**super().beyond_settings(num_classes, image_shape), **rows_in_the_box(image_shape)}

    def __call__(
        self, view: View[WhiteBox, Withheld, LabeledImages], generator: torch.Generator
    ) -> CalibratedPredictions:
        """As InversionGradient, with the best restart's reach [K, R, 1] and its calibration.

        Raises:
            UserError: a class's every restart diverged.
        """
        target, auxiliary = view.target, view.auxiliary
        K, R = target.num_classes, self.descent.restarts
        raw_ND = features_of(target, auxiliary)
        standard = Standard.of(raw_ND)
        weight_KD, bias_K = standard.head(*target.head())
        shadowed = self.shadow.trained(standard.features(raw_ND), auxiliary.labels, K, generator)
        weight_TKD, bias_TK = shadowed.heads.after(weight_KD, bias_K)

        def logits(x_NCHW: Tensor, place_N: Tensor) -> Tensor:
            owner_N = place_N // (K * R)
            phi_ND = standard.features(target.features(x_NCHW))
            return torch.einsum("nkd,nd->nk", weight_TKD[owner_N], phi_ND) + bias_TK[owner_N]

        T = len(weight_TKD)
        classes_N = torch.arange(K).repeat_interleave(R).repeat(T)
        found = self.descent.invert(target, logits, classes_N, generator).ranked(T * K)
        self.descent.check_finite(found.objective_GR[:K, 0])
        log_p_TKRK = found.log_p_GRK.unflatten(0, (T, K))
        own_TK = log_p_TKRK[:, :, 0].diagonal(dim1=1, dim2=2)
        aligned_TKRF = (
            centred(reach(own_TK), shadowed.unusual, shadowed.upper)[:, :, None, None]
            .expand(-1, -1, R, -1)
            .contiguous()
        )
        return CalibratedPredictions(
            samples_KMF=log_p_TKRK[0].cpu(),
            aligned_KMF=aligned_TKRF[0],
            calibration=LabeledFeatures(aligned_TKRF[1:], shadowed.forgotten_SK),
            images_KCHW=to_pixels(target, found.x_GRCHW[:K, 0]).cpu(),
        )

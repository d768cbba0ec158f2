"""relearn: how far the loss on a class's samples falls when the head is trained on a few of them again."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import CalibratedScores, LabeledFeatures
from unlearnleak.adversary.heads import Heads, train_heads
from unlearnleak.adversary.shadow import ShadowTargets
from unlearnleak.adversary.standard import features_of, rows_by_class, standardise
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack, require_auxiliary
from unlearnleak.attack.base.shadowed import OnShadowTargets
from unlearnleak.data import LabeledImages
from unlearnleak.errors import Incompatible, require


def own_loss(heads: Heads, phi_KND: Tensor) -> Tensor:
    """Mean cross-entropy of T K heads, those of a target together, on the samples of the class of each, [T, K]."""
    classes = len(phi_KND)
    weight_TKKD, bias_TKK = (part.unflatten(0, (-1, classes)) for part in heads)
    logits_TKNK = torch.einsum("tkjd,knd->tknj", weight_TKKD, phi_KND) + bias_TKK[:, :, None]
    own_KK = torch.eye(classes, dtype=torch.bool, device=phi_KND.device)[None, :, None].expand_as(logits_TKNK)
    log_p_TKNK = logits_TKNK.log_softmax(3)
    loss_TK: Tensor = -log_p_TKNK[own_KK].view(log_p_TKNK.shape[:3]).mean(2)
    return loss_TK


class Targets(NamedTuple):
    """T standardised heads, the real target's first, then the shadow targets' with what these never saw; features."""

    targets: Heads
    forgotten_SK: Tensor
    phi_ND: Tensor


class Relearn(OnShadowTargets, Attack[View[WhiteBox, Withheld, LabeledImages]]):
    """White box, auxiliary data: the fall of each class's loss over a few steps on some of its samples.

    After ReA (https://arxiv.org/abs/2507.20573), which tunes the whole model. Here its head alone is tuned, on the
    frozen features, so that the target and all shadow targets are tuned for all classes as one tensor program. A class
    that is known has little to relearn. The loss is measured on other samples than those that are learnt from.

    Args:
        samples: how many samples of the class are learnt from, where there are more; the rest is measured.
        steps, lr: gradient steps and their rate (features have a mean square norm of 1).
        shadows: S, shadow targets, which are relearned in the same way for the calibration.
        shadow_steps, shadow_lr, shadow_momentum: how these are trained.
        shadow_most: how many classes one of them forgets at most; None for half of them.
        hard_classes: how many retained classes of each are noisy or rare (`adversary.shadow.hard_classes`).
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, auxiliary=True)
    evidence = CalibratedScores

    def __init__(
        self,
        *,
        samples: int,
        steps: int,
        lr: float,
        shadows: int,
        shadow_steps: int,
        shadow_lr: float,
        shadow_momentum: float,
        shadow_most: int | None = None,
        hard_classes: int = 0,
    ) -> None:
        require(samples >= 1, "attack.samples", samples, "at least 1")
        require(steps >= 1, "attack.steps", steps, "at least 1")
        require(lr > 0, "attack.lr", lr, "above 0")
        self.samples, self.steps, self.lr = samples, steps, lr
        self.shadow = ShadowTargets(
            count=shadows,
            steps=shadow_steps,
            lr=shadow_lr,
            momentum=shadow_momentum,
            most=shadow_most,
            hard=hard_classes,
        )

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError unless every class has a sample more than is learnt from."""
        require_auxiliary(per_class - 1, self.samples, "attack.samples")

    def check_held(self, counts_J: Sequence[int]) -> None:
        """Raises Incompatible where a class has no sample to measure on beside one to learn from."""
        if min(counts_J) < 2:
            raise Incompatible(
                "attack=relearn learns from one sample of a class and measures on another, and its attacker holds one "
                "of a class. Raise auxiliary.per_class to 2, or take another attack."
            )

    def compare(self, view: View[WhiteBox, Withheld, LabeledImages], generator: torch.Generator) -> Targets:
        """What is relearned."""
        auxiliary, K = view.auxiliary, view.target.num_classes
        phi_ND, weight_KD, bias_K = standardise(features_of(view.target, auxiliary), *view.target.head())
        shadowed = self.shadow.trained(phi_ND, auxiliary.labels, K, generator)
        return Targets(shadowed.heads.after(weight_KD, bias_K), shadowed.forgotten_SK, phi_ND)

    def read(self, compared: Targets, labels_N: Tensor) -> CalibratedScores:
        """The evidence; `labels_N` are those of the features."""
        phi_ND, (T, K) = compared.phi_ND, compared.targets.bias_MK.shape
        heads = Heads(*(part.repeat_interleave(K, 0) for part in compared.targets))
        rows = rows_by_class(labels_N, K)
        phi_KND = torch.stack([phi_ND[own_N[: min(map(len, rows))]] for own_N in rows])
        samples = min(self.samples, phi_KND.shape[1] - 1)
        learnt_KnD, measured_KND = phi_KND[:, :samples], phi_KND[:, samples:]
        labels_Kn = torch.arange(K, device=phi_ND.device)[:, None].expand(-1, samples)
        relearned = train_heads(
            learnt_KnD.repeat(T, 1, 1), labels_Kn.repeat(T, 1), heads, steps=self.steps, lr=self.lr, label="relearning"
        )
        fall_TK = own_loss(heads, measured_KND) - own_loss(relearned, measured_KND)
        samples_TKMF = -fall_TK[..., None, None]
        return CalibratedScores(
            samples_KMF=samples_TKMF[0],
            aligned_KMF=samples_TKMF[0],
            calibration=LabeledFeatures(samples_TKMF[1:], compared.forgotten_SK),
        )

    def __call__(self, view: View[WhiteBox, Withheld, LabeledImages], generator: torch.Generator) -> CalibratedScores:
        """The negated fall of the loss in nats, [K, 1, 1], and the same of the shadow targets."""
        return self.read(self.compare(view, generator), view.auxiliary.labels)

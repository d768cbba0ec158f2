"""What both parameter attacks start from: auxiliary heads, the target's head, shadow targets; all standardised alike.

K classes, M heads a class, T = 1 + S targets (the real one first), N auxiliary samples, D features.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.heads import Heads, class_subsets, initial_heads, train_heads
from unlearnleak.adversary.shadow import shadow_heads, shadow_plan, shadow_training
from unlearnleak.attack.base import Attack, require_auxiliary
from unlearnleak.data import LabeledImages
from unlearnleak.errors import require

FEATURE_BATCH = 1024
DEAD = 1e-3
"""A feature whose deviation is below this share of the largest one carries nothing and is left out."""


class Comparison(NamedTuple):
    """Auxiliary heads and targets, standardised alike.

    heads: the K * M auxiliary heads, class by class.
    targets: T heads, the real target's first, then the shadow targets'.
    forgotten_SK: what each shadow target never saw.
    centroid_KD: the mean feature vector of each class.
    phi_ND: the features of all auxiliary samples.
    """

    heads: Heads
    targets: Heads
    forgotten_SK: Tensor
    centroid_KD: Tensor
    phi_ND: Tensor


class Standard(NamedTuple):
    """What brings features to zero mean, equal deviations and a mean square norm of 1; a head so that logits stay.

    The paper assumes whitened features (eq. 9), which ReLU features are far from: without this, the few largest of them
    decide every dot product, and a learning rate that suits one unlearner's features diverges on another's.
    """

    mean_D: Tensor
    scale_D: Tensor
    inverse_D: Tensor

    @classmethod
    def of(cls, phi_ND: Tensor) -> "Standard":
        """From the features of the auxiliary samples."""
        mean_D, std_D = phi_ND.mean(0), phi_ND.std(0, unbiased=False)
        alive_D = std_D > DEAD * std_D.max()
        scale_D = torch.where(alive_D, std_D, 0) * alive_D.sum().sqrt()
        inverse_D = torch.where(alive_D, 1 / scale_D.clamp(min=torch.finfo(std_D.dtype).tiny), 0)
        return cls(mean_D, scale_D, inverse_D)

    def features(self, phi_ND: Tensor) -> Tensor:
        """Standardised features [N, D]."""
        return (phi_ND - self.mean_D) * self.inverse_D

    def head(self, weight_KD: Tensor, bias_K: Tensor) -> tuple[Tensor, Tensor]:
        """The head that gives on standardised features what this one gives on raw ones."""
        return weight_KD * self.scale_D, bias_K + weight_KD @ self.mean_D


def standardise(phi_ND: Tensor, weight_KD: Tensor, bias_K: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features and head, both standardised by these features."""
    standard = Standard.of(phi_ND)
    return standard.features(phi_ND), *standard.head(weight_KD, bias_K)


def features_of(target: WhiteBox, auxiliary: LabeledImages) -> Tensor:
    """phi of all auxiliary images, [N, D]."""
    with torch.no_grad():
        return torch.cat([target.features(target.normalize(part)) for part in auxiliary.images.split(FEATURE_BATCH)])


class ParameterAttack(Attack):
    """Trains auxiliary heads and shadow targets on the target's frozen features (paper, IV-A; docs/design.md).

    Args:
        heads: M, auxiliary heads per class.
        subset_size: samples of its class that each head is trained on.
        steps, lr: gradient steps of the auxiliary heads and their rate (features have a mean square norm of 1).
        shadows: S, shadow targets for the calibration.
        shadow_steps, shadow_lr, shadow_momentum: how these are trained.
        chunk: how many auxiliary heads are trained at once, to bound memory; None takes all.
    """

    access = WhiteBox
    calibrated = True
    needs_auxiliary = True
    memory_keys = frozenset({"chunk"})

    def __init__(
        self,
        *,
        heads: int,
        subset_size: int,
        steps: int,
        lr: float,
        shadows: int,
        shadow_steps: int,
        shadow_lr: float,
        shadow_momentum: float,
        chunk: int | None,
    ) -> None:
        for name, value in {"heads": heads, "subset_size": subset_size, "steps": steps}.items():
            require(value >= 1, f"attack.{name}", value, "at least 1")
        require(lr > 0, "attack.lr", lr, "above 0")
        require(chunk is None or chunk >= 1, "attack.chunk", chunk, "at least 1, or null for all heads at once")
        self.heads, self.subset_size, self.steps, self.lr = heads, subset_size, steps, lr
        self.chunk = chunk
        self.shadows = shadows
        self.shadow = shadow_training(shadows, steps=shadow_steps, lr=shadow_lr, momentum=shadow_momentum)

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where a class has fewer auxiliary samples than one head needs."""
        require_auxiliary(per_class, self.subset_size, "attack.subset_size")

    def compare(self, target: WhiteBox, auxiliary: LabeledImages, generator: torch.Generator) -> Comparison:
        """Train all heads. Draws from `generator` on the CPU: the same for every device."""
        phi_ND, weight_KD, bias_K = standardise(features_of(target, auxiliary), *target.head())
        labels_N, (classes, dim) = auxiliary.labels, weight_KD.shape
        subset_KMn = class_subsets(labels_N, classes, self.heads, self.subset_size, generator)
        subset_Rn = subset_KMn.flatten(0, 1).to(labels_N.device)  # R = K * M heads
        initial = initial_heads(len(subset_Rn), classes, dim, generator)
        size = self.chunk or len(subset_Rn)
        trained = [
            train_heads(
                phi_ND[some_Rn],
                labels_N[some_Rn],
                Heads(weight_RKD.to(phi_ND), bias_RK.to(phi_ND)),
                steps=self.steps,
                lr=self.lr,
                label="auxiliary heads",
            )
            for some_Rn, weight_RKD, bias_RK in zip(*(part.split(size) for part in (subset_Rn, *initial)), strict=True)
        ]
        heads = Heads(*map(torch.cat, zip(*trained, strict=True)))
        forgotten_SK = shadow_plan(self.shadows, classes, generator).to(labels_N.device)
        shadows = shadow_heads(phi_ND, labels_N, forgotten_SK, generator=generator, **self.shadow)
        targets = Heads(torch.cat([weight_KD[None], shadows.weight_MKD]), torch.cat([bias_K[None], shadows.bias_MK]))
        centroid_KD = torch.stack([phi_ND[labels_N == c].mean(0) for c in range(classes)])
        return Comparison(heads, targets, forgotten_SK, centroid_KD, phi_ND)

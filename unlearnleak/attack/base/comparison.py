"""What all parameter attacks start from: auxiliary heads, the target's head, shadow targets; all standardised alike.

K classes, M heads a class, T = 1 + S targets (the real one first), N auxiliary samples, D features.
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Calibrated
from unlearnleak.adversary.heads import AuxiliaryHeads, Heads, InitialHeads, class_subsets
from unlearnleak.adversary.rivals import MANY, against_rivals
from unlearnleak.adversary.shadow import ShadowTargets, units
from unlearnleak.adversary.standard import features_of, rows_by_class, standardise
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View, Withheld
from unlearnleak.attack.base import Attack, require_auxiliary
from unlearnleak.attack.base.shadowed import OnShadowTargets
from unlearnleak.data import LabeledImages
from unlearnleak.errors import require

ParametersAndData: TypeAlias = View[WhiteBox, Withheld, LabeledImages]


class Comparison(NamedTuple):
    """Auxiliary heads and targets, standardised alike.

    heads: the M auxiliary heads of every class, in blocks of whole classes; going through them trains them.
    targets: T heads, the real target's first, then the shadow targets'.
    forgotten_SK: what each shadow target never saw.
    centroid_KD: the mean feature vector of each class.
    phi_ND: the features of all auxiliary samples.
    published_KMF: what the paper measures of heads with other settings (`attack.base.published`), where an attack does.
    hard_SK: which of their classes are hard, of the first targets at least (`adversary.shadow.Shadowed`).
    upper: how many classes are presumed to be retained.
    raw_ND: the features as the target gives them.
    """

    heads: Iterable[tuple[range, Heads]]
    targets: Heads
    forgotten_SK: Tensor
    centroid_KD: Tensor
    phi_ND: Tensor
    published_KMF: Tensor | None = None
    hard_SK: Tensor | None = None
    upper: int | None = None
    raw_ND: Tensor | None = None

    def units(self, own_TK: Tensor) -> Tensor:
        """What a measurement is divided by (`adversary.shadow.units`); no unit is taken from a hard class."""
        unusual_SK = self.forgotten_SK.clone()
        if self.hard_SK is not None:
            unusual_SK[: len(self.hard_SK)] |= self.hard_SK
        return units(own_TK, unusual_SK, self.upper)


def dot_products(compared: Comparison) -> tuple[Tensor, Tensor]:
    """The dot products of all heads with all targets [T, K, M], as they are and divided by their `shadow.units`.

    Of more than `rivals.MANY` classes, how far they are above those with the class exchanged for its nearest rival.
    """
    target_TF, classes = compared.targets.flat(), len(compared.centroid_KD)
    if classes > MANY:
        dots_TKM = torch.cat([against_rivals(heads, of, compared.targets) for of, heads in compared.heads], 1)
    else:
        dots_TKM = torch.cat([target_TF @ heads.flat().T for _, heads in compared.heads], 1).unflatten(1, (classes, -1))
    return dots_TKM, dots_TKM / compared.units(dots_TKM.mean(2))[..., None]


def read_against_rivals(num_classes: int) -> dict[str, Any]:
    """What a key knows of `dot_products`: that evidence on many classes from before rivals is not used."""
    return {"rivals": 1} if num_classes > MANY else {}


class ParameterAttack(OnShadowTargets, Attack[ParametersAndData]):
    """Trains auxiliary heads and shadow targets on the target's frozen features (paper, IV-A; docs/design.md).

    Args:
        heads: M, auxiliary heads per class.
        subset_size: samples of its class that each head is trained on.
        steps, lr: gradient steps of the auxiliary heads and their rate (features have a mean square norm of 1).
        shadows: S, shadow targets for the calibration.
        shadow_steps, shadow_lr, shadow_momentum: how these are trained.
        shadow_most: how many classes one of them forgets at most; None for half of them.
        hard_classes: how many retained classes of each are noisy or rare (`adversary.shadow.hard_classes`).
        chunk: how many auxiliary heads are trained at once, to bound memory; None takes all of a block of classes
            (`heads.BLOCK_BYTES`).
    """

    threat = ThreatModel(target=Access.WHITE, auxiliary=True)
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
        shadow_most: int | None = None,
        hard_classes: int = 0,
        chunk: int | None,
    ) -> None:
        for name, value in {"heads": heads, "subset_size": subset_size, "steps": steps}.items():
            require(value >= 1, f"attack.{name}", value, "at least 1")
        require(lr > 0, "attack.lr", lr, "above 0")
        require(chunk is None or chunk >= 1, "attack.chunk", chunk, "at least 1, or null for all heads at once")
        self.heads, self.subset_size, self.steps, self.lr = heads, subset_size, steps, lr
        self.chunk = chunk
        self.shadow = ShadowTargets(
            count=shadows,
            steps=shadow_steps,
            lr=shadow_lr,
            momentum=shadow_momentum,
            most=shadow_most,
            hard=hard_classes,
        )

    def check_auxiliary(self, per_class: int) -> None:
        """Raises UserError where a class has fewer auxiliary samples than one head needs."""
        require_auxiliary(per_class, self.subset_size, "attack.subset_size")

    @abstractmethod
    def read(self, compared: Comparison, labels_N: Tensor) -> Calibrated:
        """The evidence in a comparison; `labels_N` are those of `compared.phi_ND`. Draws nothing."""

    def __call__(self, view: ParametersAndData, generator: torch.Generator) -> Calibrated:
        """What `read` makes of the target compared with its auxiliary heads and shadow targets."""
        return self.read(self.compare(view, generator), view.auxiliary.labels)

    def compare(self, view: ParametersAndData, generator: torch.Generator) -> Comparison:
        """What is compared. Draws from `generator` on the CPU: the same for every device."""
        raw_ND = features_of(view.target, view.auxiliary)
        phi_ND, weight_KD, bias_K = standardise(raw_ND, *view.target.head())
        labels_N, (classes, dim) = view.auxiliary.labels, weight_KD.shape
        subset_KMn = class_subsets(labels_N, classes, self.heads, self.subset_size, generator)
        heads = AuxiliaryHeads(
            phi_ND=phi_ND,
            labels_N=labels_N,
            subset_KMn=subset_KMn.to(labels_N.device),
            initial=InitialHeads(classes * self.heads, classes, dim, generator),
            steps=self.steps,
            lr=self.lr,
            chunk=self.chunk,
        )
        shadowed = self.shadow.trained(phi_ND, labels_N, classes, generator)
        targets = shadowed.heads.after(weight_KD, bias_K)
        centroid_KD = torch.stack([phi_ND[rows].mean(0) for rows in rows_by_class(labels_N, classes)])
        return Comparison(
            heads,
            targets,
            shadowed.forgotten_SK,
            centroid_KD,
            phi_ND,
            hard_SK=shadowed.hard_SK,
            upper=shadowed.upper,
            raw_ND=raw_ND,
        )

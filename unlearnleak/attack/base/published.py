"""The heads behind the paper's printed figures: trained on the features as the target gives them.

The paper whitens features in its derivation (eq. 9) and says nothing of doing so in its experiments. On standardised
features the two groups of heads separate nearly always; on raw ones as well as the paper prints, at a rate that it does
not name. So these heads have settings of their own, and no blind verdict reads them.

K classes, M heads a class, D features.
"""

from abc import abstractmethod
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from unlearnleak.adversary.heads import AuxiliaryHeads, Heads, InitialHeads, class_subsets
from unlearnleak.adversary.standard import standardise
from unlearnleak.attack.base.comparison import Comparison, ParameterAttack, ParametersAndData
from unlearnleak.errors import require

Features = Literal["raw", "standardised"]


class PublishedAttack(ParameterAttack):
    """A parameter attack whose figure the paper prints: its evidence holds what `asr_published` is computed from too.

    Args:
        published_features: "raw", as the target gives them, or "standardised", as the blind verdict has them.
        published_steps, published_lr: gradient steps of these heads and their rate.
        **comparison: as in ParameterAttack.
    """

    def __init__(
        self, *, published_features: Features, published_steps: int, published_lr: float, **comparison: Any
    ) -> None:
        super().__init__(**comparison)
        known = get_args(Features)
        require(published_features in known, "attack.published_features", published_features, " or ".join(known))
        require(published_steps >= 1, "attack.published_steps", published_steps, "at least 1")
        require(published_lr > 0, "attack.published_lr", published_lr, "above 0")
        self.published_features = published_features
        self.published_steps, self.published_lr = published_steps, published_lr

    @abstractmethod
    def measure(self, heads: Heads, target_F: Tensor) -> Tensor:
        """What the paper computes of each of R heads and the target's vec(W, b): [R, F]."""

    def compare(self, view: ParametersAndData, generator: torch.Generator) -> Comparison:
        """As in ParameterAttack, and what the paper measures, which is drawn last."""
        compared = super().compare(view, generator)
        assert compared.raw_ND is not None, "the comparison was made above"
        return compared._replace(published_KMF=self.published_samples(view, compared.raw_ND, generator))

    def published_samples(self, view: ParametersAndData, raw_ND: Tensor, generator: torch.Generator) -> Tensor:
        """What `measure` gives of every head on these features, [K, M, F]. Draws from `generator` on the CPU."""
        phi_ND, (weight_KD, bias_K) = raw_ND, view.target.head()
        if self.published_features == "standardised":
            phi_ND, weight_KD, bias_K = standardise(phi_ND, weight_KD, bias_K)
        target_F = Heads(weight_KD[None], bias_K[None]).flat()[0]
        heads = self.published_heads(phi_ND, view.auxiliary.labels, len(bias_K), generator)
        measured_RF = torch.cat([self.measure(block, target_F) for _, block in heads])
        return measured_RF.view(len(bias_K), self.heads, -1)

    def published_heads(
        self, phi_ND: Tensor, labels_N: Tensor, classes: int, generator: torch.Generator
    ) -> AuxiliaryHeads:
        """The heads, on other samples and from other initial weights than the blind verdict's."""
        subset_KMn = class_subsets(labels_N, classes, self.heads, self.subset_size, generator)
        return AuxiliaryHeads(
            phi_ND=phi_ND,
            labels_N=labels_N,
            subset_KMn=subset_KMn.to(labels_N.device),
            initial=InitialHeads(classes * self.heads, classes, phi_ND.shape[1], generator),
            chunk=self.chunk,
            steps=self.published_steps,
            lr=self.published_lr,
        )

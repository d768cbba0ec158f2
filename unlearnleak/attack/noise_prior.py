"""noise_prior: a baseline that asks a target about noise and does nothing else."""

from typing import ClassVar

import torch

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Evidence, EvidenceKind
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError


class NoisePrior(Attack):
    """Black box, no data: the logarithm of each class's mean probability over uniform noise images.

    The logarithm, because a target takes most noise for one or two classes: of the others all means are near 0, and a
    threshold mu - k sigma over the means themselves is negative and never met.

    Args:
        images: how many noise images are asked about, pixels uniform in [0, 1].
    """

    version = 1
    access: ClassVar[type] = BlackBox
    evidence: ClassVar[EvidenceKind] = "score"

    def __init__(self, *, images: int) -> None:
        if images < 1:
            raise UserError(f"attack.images={images} is not possible: ask about at least 1 noise image.")
        self.images = images

    def __call__(self, target: BlackBox, auxiliary: LabeledImages | None, generator: torch.Generator) -> Evidence:
        """log mean_i p_c(x_i), [K, 1, 1]; smaller is more likely forgotten."""
        asked_before = target.queries
        noise_NCHW = torch.rand(self.images, *target.image_shape, generator=generator).to(target.device)
        mean_K = target.probabilities(noise_NCHW).mean(0)
        return Evidence(
            kind=self.evidence,
            samples_KMF=mean_K.clamp_min(torch.finfo(mean_K.dtype).tiny).log()[:, None, None].cpu(),
            queries=target.queries - asked_before,
        )

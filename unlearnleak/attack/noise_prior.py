"""noise_prior: a baseline that asks a target about noise and does nothing else."""

import torch

from unlearnleak.adversary.access import BlackBox
from unlearnleak.adversary.evidence import Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import UserError


class NoisePrior(Attack[View[BlackBox]]):
    """Black box, no data: the logarithm of each class's mean probability over uniform noise images.

    The logarithm, because a target takes most noise for one or two classes: of the others all means are near 0, and a
    threshold mu - k sigma over the means themselves is negative and never met.

    Args:
        images: how many noise images are asked about, pixels uniform in [0, 1].
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK)
    evidence = Scores

    def __init__(self, *, images: int) -> None:
        if images < 1:
            raise UserError(f"attack.images={images} is not possible: ask about at least 1 noise image.")
        self.images = images

    def __call__(self, view: View[BlackBox], generator: torch.Generator) -> Scores:
        """log mean_i p_c(x_i), [K, 1, 1]; smaller is more likely forgotten."""
        target, asked_before = view.target, view.queries
        noise_NCHW = torch.rand(self.images, *target.image_shape, generator=generator).to(target.device)
        mean_K = target.probabilities(noise_NCHW).mean(0)
        return Scores(
            samples_KMF=mean_K.clamp_min(torch.finfo(mean_K.dtype).tiny).log()[:, None, None].cpu(),
            queries=view.queries - asked_before,
        )

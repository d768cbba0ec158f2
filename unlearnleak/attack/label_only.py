"""label_only: how often each class is the answer to images without meaning, where answers are all that is told."""

import torch
from torch import Tensor
from torch.nn import functional as F

from unlearnleak.adversary.access import LabelOnly
from unlearnleak.adversary.evidence import Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import require

GRIDS = (2, 4, 8, None)
"""Sides of the grids of random numbers that noise images are enlarged from; None: every pixel is drawn."""


def noise(count: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Images of uniform noise from coarse to fine, in turn: [count, C, H, W] in [0, 1].

    Fine noise alone is taken for one or two classes by most models; blobs reach more of them.
    """
    channels, height, width = shape
    images_NCHW = torch.empty(count, *shape)
    for turn, side in enumerate(GRIDS):
        grid = (height, width) if side is None else (min(side, height), min(side, width))
        drawn = torch.rand(len(images_NCHW[turn :: len(GRIDS)]), channels, *grid, generator=generator)
        images_NCHW[turn :: len(GRIDS)] = F.interpolate(drawn, size=(height, width), mode="bilinear").clamp(0, 1)
    return images_NCHW


def between(images_NCHW: Tensor, answer_N: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Images at random places between two random ones, of different answers where there are any [count, C, H, W]."""
    first_M = torch.randint(len(images_NCHW), (count,), generator=generator)
    second_M = torch.randint(len(images_NCHW), (8, count), generator=generator)
    differs_8M = answer_N.cpu()[second_M] != answer_N.cpu()[first_M]
    second_M = second_M.gather(0, differs_8M.int().argmax(0, keepdim=True))[0]  # the first of eight that differs
    share_M = torch.rand(count, 1, 1, 1, generator=generator)
    return (share_M * images_NCHW[first_M] + (1 - share_M) * images_NCHW[second_M]).clamp(0, 1)


class LabelOnlyPrior(Attack[View[LabelOnly]]):
    """Labels alone, no data: log of the share of images that are taken for class c.

    Of noise, coarse and fine, and of images between two noise images that are taken for different classes, where a
    class that lies between others shows. A class that was never asked for has a share too, of (0 + 1) / (n + K).
    Inverted images would say more: making them needs gradients or probabilities, which labels do not give.

    Args:
        noise: how many noise images are asked about.
        interpolated: how many images between two of them.
    """

    version = 1
    threat = ThreatModel(target=Access.LABEL)
    evidence = Scores

    def __init__(self, *, noise: int, interpolated: int) -> None:
        require(noise >= 1, "attack.noise", noise, "at least 1 image to ask about")
        require(interpolated >= 0, "attack.interpolated", interpolated, "0 or more")
        self.noise, self.interpolated = noise, interpolated

    def __call__(self, view: View[LabelOnly], generator: torch.Generator) -> Scores:
        """log share of class c among the answers to each kind of images, [K, 2, 1]; [K, 1, 1] without interpolated."""
        target, asked_before = view.target, view.queries
        noise_NCHW = noise(self.noise, target.image_shape, generator)
        answers = [target.labels(noise_NCHW.to(target.device))]
        if self.interpolated:
            between_NCHW = between(noise_NCHW, answers[0], self.interpolated, generator)
            answers.append(target.labels(between_NCHW.to(target.device)))
        K = target.num_classes
        counts = [torch.bincount(answer_N.cpu(), minlength=K) for answer_N in answers]
        log_share_KM = torch.stack([((count_K + 1) / (count_K.sum() + K)).log() for count_K in counts], 1)
        return Scores(samples_KMF=log_share_KM[..., None], queries=view.queries - asked_before)

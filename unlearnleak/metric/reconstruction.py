"""How close images that an attacker recovered come to those that were forgotten, beside what no attack would reach.

A reconstruction is always somewhat close: digits look like digits. So each number has two others beside it, the placebo
and the class mean; an attack that does not beat them has recovered nothing of the forgotten images themselves.

Shape letters: N reconstructions, M forgotten images, L retained images, P matched pairs, C channels, H height, W width.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

DRAWS = 20
"""The placebo is the mean over so many draws."""
HIGHEST_PSNR = 100.0
"""Decibels that the same image counts as, whose PSNR has no limit; a twentieth of one step of 255 gives 74."""
SMALLEST_SIDE = 6
"""SSIM looks through windows of 11 pixels around each one, and mirrors images at their edges."""
MEASURES = ("mse", "psnr", "ssim")
RECONSTRUCTION_METRICS = (
    *(f"reconstruction_{measure}{of}" for measure in MEASURES for of in ("", "_placebo", "_class_mean")),
    "reconstruction_labels",
)


class Pictures(NamedTuple):
    """Images [N, C, H, W], float in [0, 1], on any device, and their labels [N] (int64), on the CPU."""

    images: Tensor
    labels: Tensor

    def of(self, label: int) -> Tensor:
        """The numbers of the images with this label; where there is none, those of all."""
        own = (self.labels == label).nonzero()[:, 0]
        return own if len(own) else torch.arange(len(self.labels))


def matched(found: Pictures, targets: Pictures) -> tuple[Tensor, Tensor]:
    """The pairs (rows of `found`, rows of `targets`), [P] each, P = min(N, M), of the least sum of squared errors.

    As many pairs as possible have one label; what is left over is paired whatever its label, so that a wrong label
    takes no image out of the count.
    """
    error_NM = torch.cdist(found.images.flatten(1).double(), targets.images.flatten(1).double()).square()
    error_NM = (error_NM / found.images[0].numel()).cpu()
    other_NM = found.labels[:, None] != targets.labels[None]
    rows, columns = linear_sum_assignment((error_NM + other_NM * (1 + min(error_NM.shape))).numpy())
    return torch.from_numpy(rows), torch.from_numpy(columns)


def closeness(found_PCHW: Tensor, target_PCHW: Tensor) -> dict[str, float | None]:
    """Mean squared error, PSNR in dB and SSIM of pairs of images in [0, 1], each the mean over the pairs.

    SSIM as in Wang et al. 2004 (Gaussian window of 11 pixels, sigma 1.5); None for images with a smaller side.
    """
    found_PCHW, target_PCHW = found_PCHW.double(), target_PCHW.double()  # SSIM's variances are small differences
    psnr_P = peak_signal_noise_ratio(found_PCHW, target_PCHW, data_range=1.0, reduction="none", dim=(1, 2, 3))
    ssim = None
    if min(found_PCHW.shape[-2:]) >= SMALLEST_SIDE:
        ssim_P = structural_similarity_index_measure(found_PCHW, target_PCHW, data_range=1.0, reduction="none")
        assert isinstance(ssim_P, Tensor), "the image of similarities was not asked for"
        ssim = ssim_P.mean().item()
    mse = (found_PCHW - target_PCHW).square().mean().item()
    return {"mse": mse, "psnr": psnr_P.clamp(max=HIGHEST_PSNR).mean().item(), "ssim": ssim}


def reconstruction_metrics(
    found: Pictures, targets: Pictures, retained: Pictures, seed: int
) -> dict[str, float | None]:
    """`RECONSTRUCTION_METRICS` of reconstructions against the forgotten images; all None without any of either.

    With `_placebo` stands the same of a random retained image of each matched target's class, matched anew, so that it
    has the same freedom to choose; the mean over draws by `seed`. Where nothing of the class is retained: of any class.
    With `_class_mean` stands the same of the mean over the retained images of the class, or of all.
    `_labels` is the share of the matched pairs whose labels are the same.
    """
    if not len(found.labels) or not len(targets.labels):
        return dict.fromkeys(RECONSTRUCTION_METRICS)
    rows_P, columns_P = matched(found, targets)
    numbers = {"": closeness(found.images[rows_P], targets.images[columns_P])}
    wanted_P = targets.labels[columns_P]
    if len(retained.labels):
        random = np.random.default_rng([seed, *b"placebo"])
        draws = [placebo(wanted_P, targets, retained, random) for _ in range(DRAWS)]
        numbers["_placebo"] = {measure: mean([draw[measure] for draw in draws]) for measure in MEASURES}
        means = {label: retained.images[retained.of(label)].mean(0) for label in wanted_P.unique().tolist()}
        means_PCHW = torch.stack([means[label] for label in wanted_P.tolist()])
        numbers["_class_mean"] = closeness(means_PCHW, targets.images[columns_P])
    nothing: dict[str, float | None] = dict.fromkeys(MEASURES)
    return {
        f"reconstruction_{measure}{of}": numbers.get(of, nothing)[measure]
        for measure in MEASURES
        for of in ("", "_placebo", "_class_mean")
    } | {"reconstruction_labels": (found.labels[rows_P] == wanted_P).double().mean().item()}


def placebo(
    wanted_P: Tensor, targets: Pictures, retained: Pictures, random: np.random.Generator
) -> dict[str, float | None]:
    """How close one draw of retained images of the labels `wanted_P` comes to the targets; none is drawn twice."""
    chosen_P = torch.empty_like(wanted_P)
    for label in wanted_P.unique().tolist():
        places = (wanted_P == label).nonzero()[:, 0]
        pool = retained.of(label).numpy()
        chosen_P[places] = torch.from_numpy(random.choice(pool, len(places), replace=len(pool) < len(places)))
    drawn = Pictures(retained.images[chosen_P], wanted_P)
    rows_P, columns_P = matched(drawn, targets)
    return closeness(drawn.images[rows_P], targets.images[columns_P])


def mean(values: list[float | None]) -> float | None:
    """The mean; None where a value is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None

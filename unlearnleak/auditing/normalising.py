"""How the images are normalised: as was told, else as the model keeps it, else by the images themselves."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.errors import require
from unlearnleak.foreign.model import ForeignModel
from unlearnleak.foreign.ready import per_channel

Numbers = Sequence[float] | float
TOLD, OWN, KEPT = "as told", "the images' own, as none was told", "the model's own"
SAME = 1e-6
"""Normalisations that differ by less are the same, kept in float32."""


class Normalisation(NamedTuple):
    """How images are normalised, and who says so."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str

    def same_as(self, other: "Normalisation") -> bool:
        """Whether both do the same to an image."""
        return all(
            abs(a - b) < SAME
            for own, theirs in ((self.mean, other.mean), (self.std, other.std))
            for a, b in zip(own, theirs, strict=True)
        )


def own_normalisation(images: LabeledImages) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel of the images themselves, in [0, 1]."""
    pixels = images.images.double() / 255
    std = pixels.std((0, 2, 3), correction=0).clamp(min=1e-3)
    return tuple(pixels.mean((0, 2, 3)).tolist()), tuple(std.tolist())


def normalisation(
    data: LabeledImages | None, mean: Numbers | None, std: Numbers | None, shape: tuple[int, int, int]
) -> Normalisation:
    """The normalisation that was told, else that of the images; what a model keeps itself comes before the latter."""
    require((mean is None) == (std is None), "mean", mean, f"mean and std are given together, and std is {std}")
    if mean is not None and std is not None:
        return Normalisation(per_channel("mean", mean, shape), per_channel("std", std, shape), TOLD)
    if data is None or not len(data):
        return Normalisation((0.0,) * shape[0], (1.0,) * shape[0], "none, as none was told")
    return Normalisation(*own_normalisation(data), OWN)


def settled(model: ForeignModel, how: Normalisation) -> Normalisation:
    """How this model is asked: what was told is put into it, and what it keeps comes before what was not told."""
    classifier = model.classifier
    mean, std = (tuple(part.flatten().tolist()) for part in (classifier.mean, classifier.std))
    kept = Normalisation(mean, std, KEPT)
    if kept.same_as(how):
        return how
    if how.source != TOLD:
        return kept
    classifier.mean.copy_(torch.tensor(how.mean)[:, None, None])
    classifier.std.copy_(torch.tensor(how.std)[:, None, None])
    return how

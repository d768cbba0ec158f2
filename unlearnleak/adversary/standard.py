"""Standardised features: what heads are trained and compared on.

N auxiliary samples, K classes, D features.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.remembered import remembered
from unlearnleak.data import LabeledImages

FEATURE_BATCH = 1024
DEAD = 1e-3
"""A feature whose deviation is below this share of the largest one carries nothing and is left out."""


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


def rows_by_class(labels_N: Tensor, num_classes: int) -> list[Tensor]:
    """Which samples are of each class, in their order; a device is asked once for all classes."""
    counts = torch.bincount(labels_N, minlength=num_classes).tolist()
    return list(labels_N.argsort(stable=True).split(counts))


def stacked(values_N: Tensor, labels_N: Tensor, num_classes: int) -> Tensor:
    """The values of each class's samples, [K, n]; where classes have different numbers of them their means, [K, 1]."""
    of_class = [values_N[rows] for rows in rows_by_class(labels_N, num_classes)]
    if len({len(values) for values in of_class}) > 1:
        of_class = [values.mean()[None] for values in of_class]
    return torch.stack(of_class)


def features_of(target: WhiteBox, auxiliary: LabeledImages) -> Tensor:
    """phi of all auxiliary images, [N, D]; a target that is known is not asked twice for them (`remembered`)."""

    @torch.no_grad()
    def computed() -> Tensor:
        return torch.cat([target.features(target.normalize(part)) for part in auxiliary.images.split(FEATURE_BATCH)])

    return remembered(target.known_as, auxiliary.images, computed)

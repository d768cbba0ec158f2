"""What an attack hands to a screening."""

from typing import Literal, NamedTuple

from torch import Tensor

EvidenceKind = Literal["dot_product", "difference", "prediction", "score", "confidence"]
"""dot_product: F = 1, smaller for forgotten classes. difference: F = KD + K, a flattened head minus the target's.
prediction: F = K, log-probabilities of inverted images, the best restart first. score: F = 1, smaller for forgotten.
confidence: F = 1, probabilities of the right class on its labelled samples."""


class LabeledFeatures(NamedTuple):
    """Class-aligned features of shadow targets, whose forgotten classes the attacker chose and hence knows.

    features_SKMF: S shadow targets x K candidate classes x M samples x F aligned features.
    forgotten_SK: true where the shadow target never had the class.
    """

    features_SKMF: Tensor
    forgotten_SK: Tensor


class Evidence(NamedTuple):
    """Evidence about each of K candidate classes; nothing in it depends on the truth.

    kind: what a screening checks that it can read.
    samples_KMF: as the paper defines them, M heads or restarts per class.
    aligned_KMF: the same samples in a form that means the same for every class and target, so that what was learnt on
        shadow targets can be applied to them; None where there is no calibration.
    calibration: labelled aligned features that the attacker made alone; None where it has no data for that.
    images_KCHW: inverted images in [0, 1], where the attack makes any.
    queries: how many images the black box was asked about.
    """

    kind: EvidenceKind
    samples_KMF: Tensor
    aligned_KMF: Tensor | None = None
    calibration: LabeledFeatures | None = None
    images_KCHW: Tensor | None = None
    queries: int = 0

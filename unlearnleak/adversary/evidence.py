"""What attacks hand to screenings: one class a kind of evidence, with the fields that it has.

A new kind is a new class; the store keeps whatever fields it has (`pipeline/packing.py`), and screenings that can read
it name it in `accepts`:

    @dataclass(frozen=True, kw_only=True, eq=False)
    class Changes(ClassEvidence):
        kind = "change"

K candidate classes, M heads, restarts or samples of each, F features. Nothing in evidence depends on the truth.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What every kind has; evidence that judges no classes, such as reconstructed images, derives from this alone.

    Fields are tensors, NamedTuples of tensors, or what JSON can hold; optional ones may be None.

    kind: what it is called in the store and in messages.
    queries: how many images a model that only answers was asked about.
    """

    kind: ClassVar[str]
    queries: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassEvidence(Evidence):
    """Evidence about each of K candidate classes: what most screenings read.

    samples_KMF: M samples per class, as the paper defines them where it does.
    """

    samples_KMF: Tensor


class LabeledFeatures(NamedTuple):
    """Class-aligned features of shadow targets, whose forgotten classes the attacker chose and hence knows.

    features_SKMF: S shadow targets x K candidate classes x M samples x F aligned features.
    forgotten_SK: true where the shadow target never had the class.
    """

    features_SKMF: Tensor
    forgotten_SK: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibrated(ClassEvidence):
    """Evidence with the means to judge it: the same measurement of targets whose truth the attacker knows.

    aligned_KMF: the samples in a form that means the same for every class and target, so that what was learnt on shadow
        targets can be applied to them.
    calibration: labelled aligned features that the attacker made alone.
    """

    aligned_KMF: Tensor
    calibration: LabeledFeatures


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadMeasurements(Calibrated):
    """Measurements of auxiliary heads, which the paper labels forgotten or retained (`metric/published.py`)."""

    def published(self) -> Tensor:
        """What the paper's figure is computed from, [K, M, F]."""
        return self.samples_KMF


@dataclass(frozen=True, kw_only=True, eq=False)
class DotProducts(HeadMeasurements):
    """Dot products of M auxiliary heads a class with the target's head, F = 1; smaller for forgotten classes.

    published_KMF: those of the heads that the paper's figure is computed from (`attack/base/published.py`), which no
        verdict reads; None of evidence that was made without them.
    """

    kind = "dot_product"
    published_KMF: Tensor | None = None

    def published(self) -> Tensor:
        """As in HeadMeasurements."""
        return self.samples_KMF if self.published_KMF is None else self.published_KMF


@dataclass(frozen=True, kw_only=True, eq=False)
class Differences(HeadMeasurements):
    """Flattened auxiliary heads minus the target's.

    samples_KMF: of the heads that the paper's figure is computed from (`attack/base/published.py`): F = KD + K
        coordinates, or a random part of them, the same of all heads, where all would be too large.
    aligned_KMF: the difference as logits, class-aligned: the class's own entry, then the others from large to small.
    """

    kind = "difference"


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions(ClassEvidence):
    """Log-probabilities of inverted images, F = K, of the M restarts of each class; the best restart first.

    images_KCHW: the best image of each class, in [0, 1].
    """

    kind = "prediction"
    images_KCHW: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedPredictions(Predictions, Calibrated):
    """Predictions, with the inversion's reach (F = 1, smaller for forgotten classes) in the target and in shadows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores(ClassEvidence):
    """Numbers of any scale, F = 1, smaller for forgotten classes."""

    kind = "score"


@dataclass(frozen=True, kw_only=True, eq=False)
class Margins(Scores):
    """Log-odds in nats, on M labelled samples of each class, of the right class against the mean of the others.

    They are 0 where the answer is a guess.
    """

    kind = "margin"


@dataclass(frozen=True, kw_only=True, eq=False)
class Changes(Scores):
    """Scores of what changed from the model before to the model after, to an attacker who sees both."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeChanges(Changes):
    """How the answers to M probes of each class changed.

    before_KP: how sure the model before was of each probe.
    accepted_K: how many probes of each class the model before was sure enough of; of one with none the surest are
        used all the same.
    """

    before_KP: Tensor
    accepted_K: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedScores(Scores, Calibrated):
    """Scores, with the same scores of shadow targets."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedReadings(Calibrated):
    """F readings of each class that mean something together, in whichever direction, with those of shadow models."""

    kind = "readings"


@dataclass(frozen=True, kw_only=True, eq=False)
class Confidences(ClassEvidence):
    """Probabilities of the right class on M labelled samples of each class, F = 1."""

    kind = "confidence"


@dataclass(frozen=True, kw_only=True, eq=False)
class Reconstructions(Evidence):
    """Images that the attacker takes for forgotten ones; they judge no class.

    images_NCHW: in [0, 1].
    labels_N: the label (int64) that each was searched for with.
    objective: what the search ended at; comparable within one target.
    """

    kind = "reconstruction"
    images_NCHW: Tensor
    labels_N: Tensor
    objective: float

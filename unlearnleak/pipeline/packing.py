"""Evidence and verdicts as the store keeps them: named tensors and JSON."""

from torch import Tensor

from unlearnleak.adversary.evidence import Evidence, LabeledFeatures
from unlearnleak.errors import UserError
from unlearnleak.screening.base import Verdict
from unlearnleak.store import Artifact, Contents

OPTIONAL = ("aligned_KMF", "images_KCHW")
"""Fields of Evidence that may be None."""


def pack(evidence: Evidence) -> Contents:
    """Evidence as named tensors and JSON."""
    tensors: dict[str, Tensor] = {"samples_KMF": evidence.samples_KMF}
    tensors |= {name: value for name in OPTIONAL if (value := getattr(evidence, name)) is not None}
    if evidence.calibration is not None:
        tensors |= {f"calibration.{name}": value for name, value in evidence.calibration._asdict().items()}
    for name, values in tensors.items():
        if not values.isfinite().all():
            raise UserError(
                f"The attack has diverged: {name} of its evidence holds infinities or no numbers. "
                "Lower its rates, such as attack.lr or attack.shadow_lr."
            )
    return Contents(tensors, {"kind": evidence.kind, "queries": evidence.queries})


def unpack(artifact: Artifact) -> Evidence:
    """The inverse of `pack`, with all tensors on the CPU: screenings are the same there for every device."""
    tensors = artifact.tensors
    calibration = None
    if "calibration.features_SKMF" in tensors:
        calibration = LabeledFeatures(*(tensors[f"calibration.{name}"] for name in LabeledFeatures._fields))
    return Evidence(
        kind=artifact.meta["kind"],
        samples_KMF=tensors["samples_KMF"],
        aligned_KMF=tensors.get("aligned_KMF"),
        calibration=calibration,
        images_KCHW=tensors.get("images_KCHW"),
        queries=artifact.meta["queries"],
    )


def pack_verdict(verdict: Verdict) -> Contents:
    """A verdict as named tensors."""
    return Contents(verdict._asdict(), {})


def unpack_verdict(artifact: Artifact) -> Verdict:
    """A stored verdict."""
    return Verdict(**{name: artifact.tensors[name] for name in Verdict._fields})

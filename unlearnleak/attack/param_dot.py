"""param_dot: the dot product of heads trained on one class with the target's head is small for a forgotten class."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import Evidence, EvidenceKind, LabeledFeatures
from unlearnleak.adversary.shadow import units
from unlearnleak.attack.base.comparison import Comparison, ParameterAttack
from unlearnleak.data import LabeledImages


class ParameterDotProduct(ParameterAttack):
    """s_cm = <theta_cm, theta_u>, smaller for forgotten classes (paper, eq. 17).

    Aligned form: the dot product divided by what it would be for a retained class of this target (`shadow.units`), so a
    retained class reads about 1 and a forgotten one about 0 or less, whatever the class, the target and its scale.
    """

    version = 2
    evidence: ClassVar[EvidenceKind] = "dot_product"

    def dots(self, compared: Comparison) -> tuple[Tensor, Tensor]:
        """The dot products of all heads with all targets [T, K, M], as they are and aligned."""
        dots_TKM = (compared.targets.flat() @ compared.heads.flat().T).unflatten(1, (-1, self.heads))
        return dots_TKM, dots_TKM / units(dots_TKM.mean(2), compared.forgotten_SK)[..., None]

    def __call__(self, target: Any, auxiliary: LabeledImages | None, generator: torch.Generator) -> Evidence:
        """Evidence with samples_KMF = the M dot products of each class (F = 1) and their calibration."""
        assert auxiliary is not None, "needs_auxiliary"
        compared = self.compare(target, auxiliary, generator)
        dots_TKM, aligned_TKM = self.dots(compared)
        return Evidence(
            kind=self.evidence,
            samples_KMF=dots_TKM[0, ..., None],
            aligned_KMF=aligned_TKM[0, ..., None],
            calibration=LabeledFeatures(aligned_TKM[1:, ..., None], compared.forgotten_SK),
        )

"""param_confidence: the dot product of param_dot and the target's answers to the same labelled samples, together."""

from typing import Any

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import CalibratedScores, LabeledFeatures
from unlearnleak.adversary.standard import rows_by_class
from unlearnleak.attack.base.comparison import Comparison, ParameterAttack, dot_products, read_against_rivals


def confidences(compared: Comparison, labels_N: Tensor) -> Tensor:
    """The mean probability that each target gives the auxiliary samples of a class for being of it, [T, K]."""
    logits_TNK = torch.einsum("tkd,nd->tnk", compared.targets.weight_MKD, compared.phi_ND)
    p_TNK = (logits_TNK + compared.targets.bias_MK[:, None]).softmax(2)
    own_TN = p_TNK.gather(2, labels_N[None, :, None].expand(len(p_TNK), -1, 1))[..., 0]
    return torch.stack([own_TN[:, rows].mean(1) for rows in rows_by_class(labels_N, p_TNK.shape[2])], 1)


class ParameterConfidence(ParameterAttack):
    """White box, auxiliary data: the mean of two readings, each 1 for a retained class and 0 for a forgotten one.

    Whoever holds the parameters and labelled samples can compare heads (`param_dot`) and ask for answers
    (`aux_confidence`). Gradient ascent leaves dot products that look retained and answers that do not; a short
    fine-tuning leaves some answers and no dot product. Both readings are aligned in the same way (`shadow.units`), and
    weigh the same. A head computes answers from features, so nothing is asked of a black box.
    """

    version = 1
    evidence = CalibratedScores

    def beyond_settings(self, num_classes: int, image_shape: tuple[int, int, int]) -> dict[str, Any]:
        """Of many classes dot products are read against rivals, too."""
        return {**super().beyond_settings(num_classes, image_shape), **read_against_rivals(num_classes)}

    def read(self, compared: Comparison, labels_N: Tensor) -> CalibratedScores:
        """Evidence with the M combined readings of each class (F = 1) and their calibration."""
        own_TK = confidences(compared, labels_N)
        known_TK = own_TK / compared.units(own_TK)
        both_TKMF = (dot_products(compared)[1] + known_TK[..., None])[..., None] / 2
        return CalibratedScores(
            samples_KMF=both_TKMF[0],
            aligned_KMF=both_TKMF[0],
            calibration=LabeledFeatures(both_TKMF[1:], compared.forgotten_SK),
        )

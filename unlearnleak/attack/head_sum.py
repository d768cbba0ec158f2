"""head_sum: a baseline that reads the last layer and does nothing else."""

from typing import ClassVar

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Evidence, EvidenceKind
from unlearnleak.attack.base import Attack
from unlearnleak.data import LabeledImages


class HeadSum(Attack):
    """White box, no data: sum_d W_cd + b_c for each class c.

    Features behind a ReLU are >= 0, and training without a class only ever pushes its logit down: its row of the head
    sinks. An attack that costs more should find more than this does.
    """

    version = 1
    access: ClassVar[type] = WhiteBox
    evidence: ClassVar[EvidenceKind] = "score"

    def __call__(self, target: WhiteBox, auxiliary: LabeledImages | None, generator: torch.Generator) -> Evidence:
        """The row sums [K, 1, 1]; smaller is more likely forgotten."""
        weight_KD, bias_K = target.head()
        return Evidence(kind=self.evidence, samples_KMF=(weight_KD.sum(1) + bias_K)[:, None, None].cpu())

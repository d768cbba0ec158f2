"""A fine-tuning stage: the original is pretrained, then tuned on few images, and what is forgotten is among these.

Hu et al. 2024, Learn What You Want to Unlearn, https://arxiv.org/abs/2404.03233: what is unlearned there was learnt in
fine-tuning, and a model that is retrained starts from the pretrained one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch

from unlearnleak.data import LabeledImages
from unlearnleak.data.split import largest_remainder, rank_in_class
from unlearnleak.errors import UserError, require
from unlearnleak.training.optimization import Optimization


class Phases(NamedTuple):
    """The training images of each phase; no image is in both."""

    pretraining: LabeledImages
    tuning: LabeledImages


@dataclass(frozen=True, kw_only=True)
class Finetuning(Optimization):
    """How the original is tuned after its pretraining.

    Args:
        samples: how many training images are held out of the pretraining to tune on, of each class its share; 0 for no
            such stage.

    Raises `UserError` for a negative number of samples, and as Optimization.
    """

    samples: int

    def __post_init__(self) -> None:
        require(self.samples >= 0, "finetuning.samples", self.samples, "1 or more, or 0 for no fine-tuning stage")
        super().__post_init__()

    def counts(self, counts_K: list[int]) -> list[int]:
        """How many of each class's training images are tuned on.

        Raises:
            UserError: it is more than there are, or all of them.
        """
        total = sum(counts_K)
        if self.samples >= total:
            raise UserError(
                f"finetuning.samples={self.samples} is not possible: there are {total} training images, and some are "
                f"needed for the pretraining. Allowed: 1 to {total - 1}, or 0 for no fine-tuning stage."
            )
        places: list[int] = largest_remainder(torch.tensor(counts_K), self.samples).tolist()
        return places

    def divide(self, data: LabeledImages, generator: torch.Generator) -> Phases:
        """Divide the training images by a draw of each class, the same on every device; the order stays."""
        labels_N = data.labels.cpu()
        rank_N = rank_in_class(labels_N, data.num_classes, generator)
        places_K = torch.tensor(self.counts(torch.bincount(labels_N, minlength=data.num_classes).tolist()))
        tuned_N = (rank_N < places_K[labels_N]).to(data.labels.device)
        return Phases(data.select(~tuned_N), data.select(tuned_N))

"""gradient_matching: images of what was forgotten, recovered from what forgetting did to the parameters."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.matching import Matching, change
from unlearnleak.adversary.rows import inferred_labels, moved_shares
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import UserError, require

INFERRED = "inferred"


class GradientMatching(Attack[View[WhiteBox, WhiteBox]]):
    """White boxes before and after, no data: feature recovery by gradient matching (Hu et al. 2024).

    Searches images whose loss gradient on the model before points along theta_u - theta (`adversary.matching`). It
    accuses no class: its evidence is images, and what they are worth is measured beside a placebo. For retraining the
    authors weight two differences from the pretrained model by the numbers of samples; neither that model nor the
    numbers are granted here, so theta_u - theta stands for it, in which the retained samples are noise.

    Args:
        images: how many images the attacker believes were forgotten.
        labels: "inferred" from the head's rows, or the labels that the attacker knows or assumes: one for all images,
            or one for each.
        restarts, steps, lr, tv: how images are searched for (`adversary.matching.Matching`).
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.WHITE)
    evidence = Reconstructions

    def __init__(
        self, *, images: int, labels: str | Sequence[int], restarts: int, steps: int, lr: float, tv: float
    ) -> None:
        require(images >= 1, "attack.images", images, "at least 1")
        self.images, self.labels = images, labels if isinstance(labels, str) else list(labels)
        if isinstance(self.labels, str):
            require(labels == INFERRED, "attack.labels", labels, f"{INFERRED}, or a list of classes such as [3]")
        elif len(self.labels) not in (1, images) or any(label < 0 for label in self.labels):
            raise UserError(
                f"attack.labels={self.labels} is not possible: one class for all images, or one for each of "
                f"attack.images={images}."
            )
        self.matching = Matching(restarts=restarts, steps=steps, lr=lr, tv=tv)

    def check_classes(self, num_classes: int) -> None:
        """Raises UserError where `labels` names a class that there is not."""
        if not isinstance(self.labels, str):
            last = num_classes - 1
            require(max(self.labels) <= last, "attack.labels", self.labels, f"classes are numbers from 0 to {last}")

    def __call__(self, view: View[WhiteBox, WhiteBox], generator: torch.Generator) -> Reconstructions:
        """The images [N, C, H, W] of the best restart.

        Raises:
            UserError: every restart diverged.
        """
        labels_N = self.labels_of(view)
        found = self.matching.recover(view.original, change(view.target, view.original), labels_N, generator)
        return Reconstructions(images_NCHW=found.images_NCHW, labels_N=labels_N, objective=found.objective)

    def labels_of(self, view: View[WhiteBox, WhiteBox]) -> Tensor:
        """The labels [N] (int64) that images are searched for with."""
        if isinstance(self.labels, str):
            return inferred_labels(moved_shares(view.target, view.original), self.images)
        return torch.tensor(self.labels, dtype=torch.int64).expand(self.images).clone()

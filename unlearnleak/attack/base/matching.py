"""What recovers images by gradient matching, whatever the gradient: how many, with which labels, and how searched."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from unlearnleak.adversary.access import Gradients, WhiteBox
from unlearnleak.adversary.changes import fallen_shares, probe_changes
from unlearnleak.adversary.evidence import Reconstructions
from unlearnleak.adversary.matching import Matching
from unlearnleak.adversary.probes import ProbeSearch
from unlearnleak.adversary.rows import inferred_labels, row_shares, signed_labels
from unlearnleak.attack.base import Attack, Seen_contra
from unlearnleak.errors import UserError, require

INFERRED, SIGNS, CHANGES = "inferred", "signs", "changes"
PROBES = ProbeSearch(probes=20, used=10, steps=100, lr=0.1, lr_sure=0.02, accept=0.9995, restarts=10, loss="log")
"""How probes are made for `labels=changes`: as conf/attack/output_change.yaml has it."""

Head: TypeAlias = tuple[Tensor, Tensor]


class MatchingAttack(Attack[Seen_contra]):
    """Searches images whose loss gradient points along a target gradient (`adversary.matching`).

    It accuses no class: its evidence is images, and what they are worth is measured beside a placebo.

    Args:
        images: how many images the attacker believes were forgotten.
        labels: "inferred" from how far each of the head's rows moved; "signs", from which way its bias did; "changes",
            from the answers to probes before and after, as the attack output_change takes them; or the labels that the
            attacker knows or assumes: one for all images, or one for each.
        restarts, steps, lr, tv: how images are searched for (`adversary.matching.Matching`).
    """

    evidence = Reconstructions

    def __init__(
        self, *, images: int, labels: str | Sequence[int], restarts: int, steps: int, lr: float, tv: float
    ) -> None:
        require(images >= 1, "attack.images", images, "at least 1")
        self.images, self.labels = images, labels if isinstance(labels, str) else list(labels)
        if isinstance(self.labels, str):
            words = (INFERRED, SIGNS, CHANGES)
            allowed = f"{', '.join(words)}, or a list of classes such as [3]"
            require(labels in words, "attack.labels", labels, allowed)
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

    def labels_of(
        self, before: WhiteBox, after: WhiteBox, head: Callable[[], Head], generator: torch.Generator
    ) -> Tensor:
        """The labels [N] (int64) that images are searched for with.

        Args:
            before, after: the models whose answers are compared where labels are inferred from their changes.
            head: the target gradient of the head's weight [K, D] and bias [K], asked for where labels are read off it.
        """
        if self.labels == INFERRED:
            return inferred_labels(row_shares(*head()), self.images)
        if self.labels == SIGNS:
            return signed_labels(head()[1], self.images)
        if self.labels == CHANGES:
            found = probe_changes(before, after, PROBES, generator)
            return inferred_labels(fallen_shares(found), self.images, of_one=1.0)
        return torch.tensor(self.labels, dtype=torch.int64).expand(self.images).clone()

    def recovered(
        self, model: WhiteBox, target: Gradients, labels_N: Tensor, generator: torch.Generator
    ) -> Reconstructions:
        """The images [N, C, H, W] of the best restart, whose gradient on `model` points along `target`.

        Raises:
            UserError: every restart diverged.
        """
        found = self.matching.recover(model, target, labels_N, generator)
        return Reconstructions(images_NCHW=found.images_NCHW, labels_N=labels_N, objective=found.objective)

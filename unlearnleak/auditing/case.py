"""What an audit's attacks are run on."""

from dataclasses import dataclass
from functools import cached_property

import torch

from unlearnleak.auditing.fitting import Situation
from unlearnleak.auditing.subject import Subject, kept_classes
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that attacks are run on. `judged`: the classes that have images, which attacks with data can judge."""

    subject: Subject
    original: Subject | None
    images: LabeledImages | None
    judged: tuple[int, ...]
    seed: int
    quick: bool
    there: Situation

    @property
    def without(self) -> tuple[int, ...]:
        """Classes that have no images."""
        return tuple(c for c in range(self.subject.model.num_classes) if c not in self.judged)

    @cached_property
    def part(self) -> Subject:
        """The model as one of the classes alone that have images: what attacks with data are shown."""
        return self.subject.without(self.without)

    @cached_property
    def data(self) -> LabeledImages | None:
        """The images, labelled as `part` counts its classes."""
        return None if self.images is None else kept_classes(self.images, self.judged)


def few(images: LabeledImages, per_class: int | None, seed: int) -> LabeledImages:
    """At most so many images of each class, drawn at random; in their order, all where no class has more."""
    if per_class is None or int(images.class_counts().max()) <= per_class:
        return images
    draw, labels_N = generator(seed, "audit", "few"), images.labels.cpu()
    kept = torch.zeros(len(labels_N), dtype=torch.bool)
    for c in range(images.num_classes):
        of_class = (labels_N == c).nonzero()[:, 0]
        kept[of_class[torch.randperm(len(of_class), generator=draw)[:per_class]]] = True
    return images.select(kept.to(images.labels.device))

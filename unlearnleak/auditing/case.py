"""What an audit's attacks are run on."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from unlearnleak.adversary.restricted import kept_classes
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.situation import LIMIT, ON_GPU, Situation
from unlearnleak.auditing.subject import Subject, logits_of, work_of
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator

MOST_CLASSES = 100
"""So many classes attacks with images are shown; what they cost grows with the square of their number."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that attacks are run on. `judged`: the classes that have images. `most`: as MOST_CLASSES."""

    subject: Subject
    original: Subject | None
    images: LabeledImages | None
    judged: tuple[int, ...]
    seed: int
    quick: bool
    there: Situation
    most: int = MOST_CLASSES

    @property
    def without(self) -> tuple[int, ...]:
        """Classes that have no images."""
        return self.others(self.judged)

    def others(self, classes: tuple[int, ...]) -> tuple[int, ...]:
        """All classes but these."""
        known = set(classes)
        return tuple(c for c in range(self.subject.model.num_classes) if c not in known)

    @cached_property
    def answered(self) -> Tensor:
        """The model's logits of the images [N, K], on the CPU."""
        assert self.images is not None
        return logits_of(self.subject.model, self.images.images)

    @cached_property
    def own_data(self) -> tuple[Tensor, Tensor]:
        """Probabilities [N, J] among the J classes that have images, and the labels [N] as they count these."""
        assert self.images is not None
        labels_N = kept_classes(self.images, self.judged).labels.cpu()
        return self.answered[:, list(self.judged)].softmax(1), labels_N

    @cached_property
    def shown(self) -> tuple[int, ...]:
        """The classes that attacks with images are shown; those that ask about images alone see all that have some.

        Of very many, half are those that the model knows least and half are drawn from the others: what was forgotten
        is likely among the former, and the latter tell how a class that is known reads.
        """
        if len(self.judged) <= self.most:
            return self.judged
        p_NJ, labels_N = self.own_data
        own_N = p_NJ.gather(1, labels_N[:, None])[:, 0]
        own_J = torch.stack([own_N[labels_N == c].mean() for c in range(len(self.judged))])
        order = own_J.argsort(stable=True)
        least, rest = order[: self.most // 2], order[self.most // 2 :]
        drawn = rest[torch.randperm(len(rest), generator=generator(self.seed, "audit", "classes"))]
        places = torch.cat([least, drawn])[: self.most].tolist()
        return tuple(sorted(self.judged[place] for place in places))

    @cached_property
    def part(self) -> Subject:
        """The model as one of the classes alone that are shown."""
        return self.subject.without(self.others(self.shown))

    @cached_property
    def data(self) -> LabeledImages | None:
        """The images of the classes that are shown, labelled as `part` counts them."""
        return None if self.images is None else kept_classes(self.images, self.shown)

    @cached_property
    def with_data(self) -> Situation:
        """What the settings of attacks with images have to suit."""
        if self.data is None:
            return self.there
        return replace(self.there, classes=len(self.shown), least=int(self.data.class_counts().min()))


def case_of(
    subject: Subject, original: Subject | None, data: LabeledImages | None, settings: Settings
) -> Case:  # fmt: skip
    """All that attacks are run on; what they may take follows from the effort."""
    model = subject.model
    counts = data.class_counts().tolist() if data is not None else []
    judged = tuple(c for c, count in enumerate(counts) if count)
    head = model.head if subject.white_box else None
    return Case(
        subject=subject,
        original=original,
        images=data,
        judged=judged,
        seed=settings.seed,
        quick=settings.quick,
        there=Situation(
            effort=settings.effort,
            least=min((counts[c] for c in judged), default=0),
            classes=model.num_classes,
            width=0 if head is None else head.in_features,
            work=work_of(model),
            limit=settings.effort * LIMIT * (ON_GPU if model.mean.device.type == "cuda" else 1),
        ),
        most=max(MOST_CLASSES, int(settings.effort * MOST_CLASSES)),
    )


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

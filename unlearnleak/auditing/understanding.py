"""What the audit takes the model for: how well it knows the images given, and under which normalisation best."""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.auditing.case import Case
from unlearnleak.auditing.normalising import OWN, Normalisation, own_normalisation
from unlearnleak.auditing.result import Normalised, Understood
from unlearnleak.auditing.subject import logits_of
from unlearnleak.data import LabeledImages
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier

KNOWN = {
    "[0, 1] as it is": ((0.0,), (1.0,)),
    "mean and std 0.5": ((0.5,), (0.5,)),
    "MNIST's": ((0.1307,), (0.3081,)),
    "CIFAR-10's": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Normalisations that models are trained with, per channel: one value stands for every channel."""
BETTER = 0.1
"""Another normalisation fits better where it gives so much more accuracy."""
TRIED = 1000
"""Images that other normalisations are tried on, at most."""


class Accuracy(NamedTuple):
    """Over all images, and over each class's [K]; None for a class without images."""

    overall: float
    per_class: tuple[float | None, ...]


def accuracy_of(logits_NK: Tensor, labels_N: Tensor) -> Accuracy:
    """How often the largest logit is the label's."""
    hits_N = (logits_NK.argmax(1) == labels_N).float()
    counts = [hits_N[labels_N == c] for c in range(logits_NK.shape[1])]
    return Accuracy(float(hits_N.mean()), tuple(float(each.mean()) if len(each) else None for each in counts))


def tried(model: Classifier, images: LabeledImages, seed: int, most: int = TRIED) -> tuple[Normalised, ...]:
    """The accuracy under normalisations that are usual, the best first; of some of the images where there are many."""
    order = torch.randperm(len(images), generator=generator(seed, "audit", "normalisations"))[:most]
    some = images.select(order.to(images.labels.device))
    channels = images.image_shape[0]
    candidates = {name: pair for name, pair in KNOWN.items() if len(pair[0]) in (1, channels)}
    found = []
    for name, (mean, std) in (candidates | {"the images' own": own_normalisation(images)}).items():
        mean_C11, std_C11 = (
            torch.tensor(part * channels if len(part) == 1 else part, device=model.mean.device)[:, None, None]
            for part in (mean, std)
        )
        logits_NK = logits_of(model, some.images, mean_C11, std_C11)
        accuracy = accuracy_of(logits_NK, some.labels.cpu()).overall
        found.append(Normalised(name=name, mean=tuple(mean), std=tuple(std), accuracy=accuracy))
    return tuple(sorted(found, key=lambda one: -one.accuracy))


def near_chance(accuracy: float, samples: int, classes: int) -> bool:
    """Whether an accuracy is no better than guessing: within three deviations of 1 / K, or below 2 / K."""
    chance = 1 / classes
    return bool(accuracy < max(min(2 * chance, 0.75), chance + 3 * (chance * (1 - chance) / max(1, samples)) ** 0.5))


def understand(
    case: Case, how: Normalisation, class_names: tuple[str, ...] | None, more: tuple[str, ...]
) -> Understood:  # fmt: skip
    """What the model and the images are taken for; `more` are notes on the files."""
    subject, data, model = case.subject, case.images, case.subject.model
    fit = Fit() if data is None else fit_of(case, data, how)
    return Understood(
        model=subject.name,
        kind=subject.kind,
        num_classes=model.num_classes,
        class_names=class_names,
        image_shape=model.image_shape,
        head=subject.head,
        mean=how.mean,
        std=how.std,
        normalisation=how.source,
        original=case.original.name if case.original else None,
        images=0 if data is None else len(data),
        images_per_class=None if data is None else tuple(data.class_counts().tolist()),
        accuracy=fit.accuracy.overall if fit.accuracy else None,
        accuracy_per_class=fit.accuracy.per_class if fit.accuracy else None,
        original_accuracy=fit.original.overall if fit.original else None,
        original_accuracy_per_class=fit.original.per_class if fit.original else None,
        plausible=fit.plausible,
        normalisations=fit.normalisations,
        not_judged_classes=case.without if data is not None else (),
        shown_classes=case.shown if data is not None and case.shown != case.judged else None,
        notes=(*subject.limits, *subject.notes, *more, *fit.notes),
    )


class Fit(NamedTuple):
    """How well the images fit the model; of none, nothing is known."""

    accuracy: Accuracy | None = None
    original: Accuracy | None = None
    plausible: bool | None = None
    normalisations: tuple[Normalised, ...] = ()
    notes: tuple[str, ...] = ()


def fit_of(case: Case, data: LabeledImages, how: Normalisation) -> Fit:
    """The accuracy on the images, under this normalisation and others, and whether it can be believed."""
    model, labels_N, notes = case.subject.model, data.labels.cpu(), []
    accuracy = accuracy_of(case.answered, labels_N)
    before = case.original and accuracy_of(logits_of(case.original.model, data.images), labels_N)
    most = min(TRIED, max(20, int(case.there.limit / (20 * max(1.0, case.there.work)))))
    others = tried(model, data, case.seed, most)
    blind = near_chance(accuracy.overall, len(data), model.num_classes)
    better = others[0].accuracy > accuracy.overall + BETTER
    if blind:
        notes.append(f"The accuracy is that of guessing, {100 / model.num_classes:.3g} %.")
    if better:
        best = others[0]
        notes.append(
            f"{best.name} normalisation would fit better: {100 * best.accuracy:.1f} % "
            f"(--mean {','.join(map(str, best.mean))} --std {','.join(map(str, best.std))})."
        )
    return Fit(accuracy, before, not blind and not (better and how.source == OWN), others, tuple(notes))

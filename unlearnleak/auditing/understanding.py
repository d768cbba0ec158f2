"""What the audit takes the model for: how well it knows the images given, and under which normalisation best."""

from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.auditing.result import Normalised
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


def own_normalisation(images: LabeledImages) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel of the images themselves, in [0, 1]."""
    pixels = images.images.double() / 255
    std = pixels.std((0, 2, 3), correction=0).clamp(min=1e-3)
    return tuple(pixels.mean((0, 2, 3)).tolist()), tuple(std.tolist())


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

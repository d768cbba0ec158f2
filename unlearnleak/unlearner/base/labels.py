"""Which class a sample that is to be forgotten may be taught in place of its own."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from unlearnleak.data.images import Level


def random_retained_labels(
    count: int, forgotten: tuple[int, ...], num_classes: int, generator: torch.Generator
) -> torch.Tensor:
    """`count` labels drawn uniformly from the classes that are not forgotten ([count], int64).

    Wrong by construction. A forgotten class is never drawn, or with several of them each would be taught
    again under another's label.
    """
    retained = torch.tensor([c for c in range(num_classes) if c not in forgotten])
    return retained[torch.randint(len(retained), (count,), generator=generator)]


def draw_others(
    count: int, classes: tuple[int, ...], level: Level, num_classes: int, generator: torch.Generator
) -> Tensor:
    """What `others` makes wrong labels of `count` samples of D_f from ([count], int64, on the CPU)."""
    if level == "class":
        return random_retained_labels(count, classes, num_classes, generator)
    return torch.randint(1, num_classes, (count,), generator=generator)


def others(labels_N: Tensor, drawn_N: Tensor, level: Level, num_classes: int) -> Tensor:
    """A random wrong label for each sample of D_f ([N], int64); `drawn_N` is from `draw_others`.

    A retained class's where whole classes are forgotten; any other class's where samples are, since every class still
    has samples of its own, which say what it looks like.
    """
    return drawn_N if level == "class" else (labels_N + drawn_N) % num_classes


def other_labels(
    labels_N: Tensor, classes: tuple[int, ...], level: Level, num_classes: int, generator: torch.Generator
) -> Tensor:
    """Both at once, on the samples' device."""
    drawn_N = draw_others(len(labels_N), classes, level, num_classes, generator)
    return others(labels_N, drawn_N.to(labels_N.device), level, num_classes)


def without_forgotten(logits_NK: Tensor, labels_N: Tensor, classes: tuple[int, ...], level: Level) -> Tensor:
    """Logits of samples of D_f with minus infinity where no answer may be (a copy).

    That is at all forgotten `classes` where whole ones are forgotten, and at the sample's own class where samples are.
    """
    if level == "class":
        banned_NK = torch.zeros_like(logits_NK, dtype=torch.bool)
        for c in classes:  # one by one: a list of them would be copied to the device, which no captured step can do
            banned_NK[:, c] = True
    else:
        banned_NK = one_hot(labels_N, logits_NK.shape[1]).bool()
    return logits_NK.masked_fill(banned_NK, -torch.inf)

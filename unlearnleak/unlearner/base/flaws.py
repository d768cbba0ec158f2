"""What can be wrong with the samples of one class: functions of images to images."""

from dataclasses import replace
from typing import Any

import torch

from unlearnleak.data import LabeledImages


def some_of(mask_N: Any, share: float, generator: torch.Generator) -> torch.Tensor:
    """Indices (int64, on the CPU) of a share of the samples that a mask [N] holds, drawn at random, at least one."""
    index_M: torch.Tensor = mask_N.cpu().nonzero()[:, 0]
    count = max(1, round(share * len(index_M)))
    return index_M[torch.randperm(len(index_M), generator=generator)[:count]]


def rare(data: LabeledImages, spoilt: int, share: float, generator: torch.Generator) -> LabeledImages:
    """All images but most of class `spoilt`, of which a share stays."""
    kept_N = (data.labels != spoilt).cpu()
    kept_N[some_of(~kept_N, share, generator)] = True
    return data.select(kept_N.nonzero()[:, 0].to(data.labels.device))


def mislabelled(data: LabeledImages, spoilt: int, share: float, generator: torch.Generator) -> LabeledImages:
    """All images, a share of class `spoilt` with another label, any of the others alike."""
    wrong_M = some_of(data.labels == spoilt, share, generator)
    shift_M = torch.randint(1, data.num_classes, (len(wrong_M),), generator=generator)
    labels_N = data.labels.clone()
    labels_N[wrong_M.to(labels_N.device)] = ((spoilt + shift_M) % data.num_classes).to(labels_N)
    return replace(data, labels=labels_N)


def drawn_class(data: LabeledImages, generator: torch.Generator) -> int:
    """A class drawn at random, of those that have samples."""
    counts_K = data.class_counts()
    while True:  # drawn again and not among those left, so that it is the same draw where all classes have samples
        drawn = int(torch.randint(data.num_classes, (), generator=generator))
        if counts_K[drawn]:
            return drawn

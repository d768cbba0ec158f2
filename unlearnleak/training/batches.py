"""ResidentBatches: epochs of batches without workers or copies. Passes: several of them, one after the other."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.data import LabeledImages


class ResidentBatches:
    """An epoch of shuffled batches, each an index slice of tensors that are on the device already.

    The order is drawn on the CPU from `generator`, so it is the same for every device. The last, smaller
    batch is left out (batch normalisation cannot take a batch of one) unless it is the only one.
    """

    def __init__(self, data: LabeledImages, batch_size: int, generator: torch.Generator) -> None:
        assert len(data), "a training set holds at least one sample"
        self.data, self.generator = data, generator
        self.batch_size = min(batch_size, len(data))

    def __len__(self) -> int:
        return len(self.data) // self.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order_N = torch.randperm(len(self.data), generator=self.generator).to(self.data.labels.device)
        for index_B in order_N[: len(self) * self.batch_size].view(-1, self.batch_size):
            yield self.data.images[index_B], self.data.labels[index_B]


class Pass(NamedTuple):
    """One of several training sets of an epoch, and how many of its samples make a batch."""

    data: LabeledImages
    batch_size: int


class Passes:
    """Epochs of several passes: all batches of the first training set, then all of the next, each newly shuffled.

    What trains on it knows a batch's pass by the batch's number in the epoch (`number_of`).
    """

    def __init__(self, passes: Sequence[Pass], generator: torch.Generator) -> None:
        self.parts = [ResidentBatches(each.data, each.batch_size, generator) for each in passes]
        self.data, self.batch_size = passes[0].data, min(part.batch_size for part in self.parts)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for part in self.parts:
            yield from part

    def number_of(self, batch_idx: int) -> int:
        """Which pass (the first is 0) the batch of this number in the epoch (the first is 0) belongs to."""
        for number, part in enumerate(self.parts):
            if batch_idx < len(part):
                return number
            batch_idx -= len(part)
        raise IndexError("an epoch has no such batch")

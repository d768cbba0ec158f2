"""ResidentBatches: epochs of batches without workers or copies. Passes: several of them, one after the other."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from unlearnleak.data import LabeledImages
from unlearnleak.training.augmentation import crop_flip, drawn_moves


class ResidentBatches:
    """An epoch of shuffled batches, each an index slice of tensors that are on the device already.

    The order is drawn on the CPU from `generator`, so it is the same for every device. The last, smaller
    batch is left out (batch normalisation cannot take a batch of one) unless it is the only one. With an `augmentation`
    but "none", each image is moved anew in each epoch (`training.augmentation`), by draws that follow the order's.
    """

    def __init__(
        self, data: LabeledImages, batch_size: int, generator: torch.Generator, augmentation: str = "none"
    ) -> None:
        assert len(data), "a training set holds at least one sample"
        self.data, self.generator, self.augmentation = data, generator, augmentation
        self.batch_size = min(batch_size, len(data))

    def __len__(self) -> int:
        return len(self.data) // self.batch_size

    def order(self) -> Tensor:
        """Draws an epoch: the samples of each of its batches, int64 [batches, B], on the CPU."""
        order_N = torch.randperm(len(self.data), generator=self.generator)
        return order_N[: len(self) * self.batch_size].view(-1, self.batch_size)

    def moves(self) -> Tensor | None:
        """Draws how an epoch's images are moved, [batches, B, 3] on the CPU, after its `order`; None where none is."""
        if self.augmentation == "none":
            return None
        return drawn_moves((len(self), self.batch_size), self.generator)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.data.labels.device
        order_SB, moves_SB3 = self.order().to(device), self.moves()
        if moves_SB3 is None:
            for index_B in order_SB:
                yield self.data.images[index_B], self.data.labels[index_B]
            return
        for index_B, moves_B3 in zip(order_SB, moves_SB3.to(device), strict=True):
            yield crop_flip(self.data.images[index_B], moves_B3), self.data.labels[index_B]

    @property
    def parts(self) -> list["ResidentBatches"]:
        """As `Passes` has them: itself alone."""
        return [self]

    def number_of(self, batch_idx: int) -> int:
        """As `Passes` has it: always the first."""
        return 0


class Pass(NamedTuple):
    """One of several training sets of an epoch, and how many of its samples make a batch."""

    data: LabeledImages
    batch_size: int


class Passes:
    """Epochs of several passes: all batches of the first training set, then all of the next, each newly shuffled.

    What trains on it knows a batch's pass by the batch's number in the epoch (`number_of`).
    """

    def __init__(self, passes: Sequence[Pass], generator: torch.Generator, augmentation: str = "none") -> None:
        self.parts = [ResidentBatches(each.data, each.batch_size, generator, augmentation) for each in passes]
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


Batches: TypeAlias = ResidentBatches | Passes


class Block(NamedTuple):
    """Several batches of one pass that follow each other.

    pass_number: which pass of the epoch they are of.
    first: the number of the first of them in the epoch.
    index_SB: the samples of each of the S batches, int64 [S, B], on the CPU.
    moves_SB3: how they are moved, int64 [S, B, 3], on the CPU; None where they are not.
    """

    pass_number: int
    first: int
    index_SB: Tensor
    moves_SB3: Tensor | None = None


class Blocks:
    """The same epochs in blocks: the host then acts once a block instead of once a batch.

    Args:
        size: batches of a block, at most.
        every: where given, a block ends after every so many batches, counted from the first epoch's first.
        done: how many batches an earlier process has been through, where a training goes on.
    """

    def __init__(self, batches: Batches, size: int, *, every: int | None = None, done: int = 0) -> None:
        self.batches, self.size, self.every, self.done = batches, size, every, done

    def __iter__(self) -> Iterator[Block]:
        first = 0
        for number, part in enumerate(self.batches.parts):
            order, moves = part.order(), part.moves()
            while len(order):
                to_look = self.size if self.every is None else self.every - self.done % self.every
                count = min(self.size, to_look, len(order))
                yield Block(number, first, order[:count], None if moves is None else moves[:count])
                order, moves = order[count:], None if moves is None else moves[count:]
                first += count
                self.done += count

    def number_of(self, batch_idx: int) -> int:
        """Which pass the batch of this number in the epoch belongs to."""
        return self.batches.number_of(batch_idx)

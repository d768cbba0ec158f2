"""ResidentBatches: epochs of batches without workers or copies."""

from collections.abc import Iterator

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

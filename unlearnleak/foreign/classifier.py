"""A classifier around what somebody else made: any sizes of batches, and logits whatever it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from unlearnleak.model.base.wrapped import Wrapped


@dataclass(frozen=True)
class BatchSizes:
    """How many images the module takes at once; `most` None is any number."""

    least: int = 0
    most: int | None = None


ANY = BatchSizes()
ENTRY = "logits"


class Foreign(Wrapped):
    """Wrapped, for modules that take only some sizes of batches, answer probabilities, or answer a dictionary.

    Args:
        module, head, image_shape, num_classes, mean, std: as for Wrapped.
        batch: smaller batches are filled up with copies of their last image, larger ones are divided.
        probabilities: the module answers probabilities; their logarithms are the logits.
    """

    version = 1

    def __init__(
        self, module: nn.Module, *, head: str | None, batch: BatchSizes = ANY, probabilities: bool = False, **shape: Any
    ) -> None:
        self.batch, self.probabilities = batch, probabilities  # Wrapped asks the module at once
        super().__init__(module, head=head, **shape)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Logits [N, K] of normalised float images [N, C, H, W]."""
        return self._logits(in_batches(x_NCHW, self._answer, self.batch))

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x) [N, D]: what the head is given."""
        return in_batches(x_NCHW, super().features, self.batch)

    def _answer(self, x_NCHW: Tensor) -> Tensor:
        answer_NK: Tensor = answer_of(self.module(x_NCHW))
        return answer_NK

    def _logits(self, answer_NK: Tensor) -> Tensor:
        if not self.probabilities:
            return answer_NK
        return answer_NK.clamp_min(torch.finfo(answer_NK.dtype).tiny).log()


def answer_of(said: Any) -> Any:
    """What a module answers; of a dictionary the entry `logits`, as models of transformers have it."""
    return said[ENTRY] if isinstance(said, Mapping) and ENTRY in said else said


def in_batches(x_NCHW: Tensor, run: Callable[[Tensor], Tensor], batch: BatchSizes) -> Tensor:
    """run(x) [N, ...] in batches of allowed sizes; gradients go through, and none to the copies that fill up."""
    parts = x_NCHW.split(batch.most) if batch.most and len(x_NCHW) > batch.most else (x_NCHW,)
    found = [_filled(part, run, batch.least) for part in parts]
    return found[0] if len(found) == 1 else torch.cat(found)


def _filled(x_NCHW: Tensor, run: Callable[[Tensor], Tensor], least: int) -> Tensor:
    count = len(x_NCHW)
    if count >= least:
        return run(x_NCHW)
    filling = x_NCHW.detach()[-1:] if count else x_NCHW.new_zeros(1, *x_NCHW.shape[1:])
    return run(torch.cat([x_NCHW, filling.expand(least - count, *x_NCHW.shape[1:])]))[:count]

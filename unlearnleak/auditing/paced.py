"""A model that is asked in the way that costs least on CPUs: the same answers but for rounding, in half of the time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from unlearnleak.model.base import Classifier
from unlearnleak.model.base.around import Around

AT_ONCE = 2**19
"""So many pixels, colours counted apart, are asked about at once: 2 MB, which a processor's cache holds."""
MOST, LEAST = 512, 8
"""So many images at most, however small they are, and so many at least."""
SAME = 1e-3


class Paced(Around):
    """The inner model's answers, of a few images at once where no gradient is wanted.

    Colours are the last dimension in memory, where the inner model takes that: with few colours a first layer's
    gradient takes twice as long otherwise. On a GPU it is the inner model as it is.
    """

    def __init__(self, inner: Classifier) -> None:
        super().__init__(inner, inner.num_classes)
        self.colours_last = takes_colours_last(inner)
        self.at_once = max(LEAST, min(MOST, AT_ONCE // torch.Size(inner.image_shape).numel()))

    @property
    def head(self) -> nn.Linear | None:  # type: ignore[override]  # the inner model's, which would be kept twice
        """The inner model's."""
        return self.inner.head

    def features(self, x_NCHW: Tensor) -> Tensor:
        """As the inner model has them."""
        return self._paced(self.inner.features, x_NCHW)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """As the inner model answers."""
        return self._paced(self.inner, x_NCHW)

    def _paced(self, run: Callable[[Tensor], Tensor], x_NCHW: Tensor) -> Tensor:
        if x_NCHW.device.type != "cpu":
            return run(x_NCHW)
        whole = torch.is_grad_enabled() or self.training or len(x_NCHW) <= self.at_once
        parts = (x_NCHW,) if whole else x_NCHW.split(self.at_once)
        found = [run(colours_last(part) if self.colours_last else part) for part in parts]
        return found[0] if whole else torch.cat(found)


def colours_last(x_NCHW: Tensor) -> Tensor:
    """A copy whose memory has the colours last; of one colour both orders are one, and only a copy says so."""
    return x_NCHW.clone(memory_format=torch.channels_last)


def takes_colours_last(model: Classifier) -> bool:
    """Whether the model answers the same: somebody's code may look at its memory in one order alone."""
    x_NCHW = torch.randn(2, *model.image_shape, generator=torch.Generator().manual_seed(0)).to(model.mean.device)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            plain_NK, last_NK = model(x_NCHW), model(colours_last(x_NCHW))
    except Exception:  # whatever somebody else's code makes of it
        return False
    return torch.allclose(plain_NK, last_NK, rtol=SAME, atol=SAME * float(plain_NK.abs().max()))

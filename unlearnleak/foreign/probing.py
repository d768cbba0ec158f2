"""What a stranger's module answers to a few images: how many classes, logits or probabilities, the same each time."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unlearnleak.errors import UserError
from unlearnleak.foreign.classifier import BatchSizes, answer_of
from unlearnleak.foreign.reading import with_article
from unlearnleak.model.base.wrapped import cannot_take

IMAGES = 3
"""As many are asked about where any number can be: enough to tell images apart, few enough for the largest network."""


class Probe(NamedTuple):
    """`ask` answers the same images again; the rest is what it answered."""

    ask: Callable[[], Tensor]
    num_classes: int
    probabilities: bool
    random: bool


def probe(module: nn.Module, image_shape: tuple[int, int, int], batch: BatchSizes) -> Probe:
    """Asks the module, in the mode in which it is, about noise.

    Raises:
        UserError: it cannot take such images, or what it answers is no table [N, K] of finite numbers.
    """
    count = min(max(IMAGES, batch.least), batch.most or IMAGES)  # one batch, so that each layer is run once
    x_NCHW = torch.randn(count, *image_shape, generator=torch.Generator().manual_seed(0))

    @torch.no_grad()
    def ask() -> Tensor:
        return _table(answer_of(module(x_NCHW)), count)

    try:
        with torch.random.fork_rng(devices=[]):
            first_NK, again_NK = ask(), ask()
    except UserError:
        raise
    except Exception as error:  # whatever somebody else's code makes of a shape that it was not written for
        raise cannot_take(image_shape, error) from error
    if not first_NK.isfinite().all():
        raise UserError("The model answers infinities or no numbers to ordinary images: its weights are broken.")
    return Probe(ask, first_NK.shape[1], are_probabilities(first_NK), not torch.equal(first_NK, again_NK))


def are_probabilities(answer_NK: Tensor) -> bool:
    """Whether each row is one of probabilities: between 0 and 1, and 1 in all."""
    inside = bool((answer_NK >= 0).all() and (answer_NK <= 1 + 1e-4).all())
    return inside and torch.allclose(answer_NK.sum(1), torch.ones(len(answer_NK)).to(answer_NK), atol=1e-3)


def _table(answer: object, count: int) -> Tensor:
    if not isinstance(answer, Tensor):
        raise UserError(
            f"The model answers {with_article(type(answer).__name__)}, and one tensor of logits or probabilities "
            "[N, K] is needed: wrap it so that it gives that alone."
        )
    if answer.ndim == 2 and len(answer) == count and answer.shape[1] == 1:
        raise UserError(
            f"The model answers one number for an image, a tensor of shape {tuple(answer.shape)}, and one for each "
            "class is needed. Of two classes: wrap it so that it answers [1 - p, p]."
        )
    if answer.ndim != 2 or len(answer) != count or answer.shape[1] < 2:
        raise UserError(
            f"For {count} images the model answers a tensor of shape {tuple(answer.shape)}, and [N, K] with two "
            "classes or more is needed."
        )
    return answer

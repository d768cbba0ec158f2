"""The threat model as types: what an attack is handed is all that it can reach."""

import copy
from typing import Any, NoReturn

import torch
from torch import Tensor

from unlearnleak.errors import AccessDenied
from unlearnleak.model.base import Classifier

QUERY_BATCH = 2048


def frozen(model: Classifier) -> Classifier:
    """A copy of the model in evaluation mode without gradients: what an attack does to it stays its own affair."""
    return copy.deepcopy(model).eval().requires_grad_(False)


class WhiteBox:
    """Architecture and parameters are known: features, head, logits, and gradients with respect to the input.

    The target is frozen: no gradient reaches its parameters.
    """

    name = "white box"

    def __init__(self, model: Classifier) -> None:
        self._model = frozen(model)
        self.num_classes: int = model.num_classes
        self.image_shape: tuple[int, int, int] = model.image_shape
        self.device: torch.device = model.mean.device

    def head(self) -> tuple[Tensor, Tensor]:
        """Copies of the last layer's weight [K, D] and bias [K]."""
        head = self._model.linear_head()
        return head.weight.detach().clone(), head.bias.detach().clone()

    def normalize(self, images_NCHW: Tensor) -> Tensor:
        """uint8 images, or float images in [0, 1], to the target's normalised input."""
        return self._model.normalize(images_NCHW)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x) [N, D] of normalised input; differentiable with respect to it."""
        return self._model.features(x_NCHW)

    def logits(self, x_NCHW: Tensor) -> Tensor:
        """f(x) [N, K] before the softmax; differentiable with respect to the normalised input."""
        logits: Tensor = self._model(x_NCHW)
        return logits


class BlackBox:
    """Only the query interface: images in, probabilities out, each image counted as one query.

    The model is kept where attribute access does not lead to it. That is a fence against mistakes, such as an attack
    that uses gradients while it claims not to; it is no wall against code that means to climb it.
    """

    name = "black box"
    __slots__ = ("_ask", "device", "image_shape", "num_classes", "queries")

    def __init__(self, model: Classifier) -> None:
        model = frozen(model)

        @torch.no_grad()
        def ask(images_NCHW: Tensor) -> Tensor:
            parts = images_NCHW.split(QUERY_BATCH)
            return torch.cat([model(model.normalize(part)).softmax(1) for part in parts])

        self._ask = ask
        self.num_classes: int = model.num_classes
        self.image_shape: tuple[int, int, int] = model.image_shape
        self.device: torch.device = model.mean.device
        self.queries = 0

    def probabilities(self, images_NCHW: Tensor) -> Tensor:
        """softmax f(x) [N, K] of float images in [0, 1].

        Raises:
            AccessDenied: the images require a gradient, which a black box does not give.
            ValueError: images that are not float, or outside the valid box [0, 1]. Neither is counted.
        """
        if images_NCHW.requires_grad:
            raise AccessDenied("The black box gives no gradients: query it with images that do not require them.")
        if not images_NCHW.is_floating_point():  # a byte of 1 would pass the check below, and mean 1/255
            raise ValueError(f"A query's images are float in [0, 1], not {images_NCHW.dtype}.")
        if images_NCHW.numel() and not (images_NCHW.min() >= 0 and images_NCHW.max() <= 1):
            raise ValueError("A query's pixels must lie in [0, 1].")
        self.queries += len(images_NCHW)
        return self._ask(images_NCHW)

    def __getattr__(self, name: str) -> NoReturn:
        raise AccessDenied(
            f"The black box does not grant {name!r}: it answers `probabilities(images)` and nothing else of the model."
        )


Access = WhiteBox | BlackBox


def accessible(kind: type[Any], model: Classifier) -> Any:
    """The access object of type `kind` to `model`."""
    access = kind(model)
    assert isinstance(access, Access), f"{kind.__name__} is no access type"
    return access

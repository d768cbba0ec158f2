"""Wrapped: a module that somebody else wrote, as a Classifier.

from torchvision.models import resnet18
model = Wrapped(resnet18(num_classes=10), head="fc", image_shape=(3, 32, 32), num_classes=10, mean=MEAN, std=STD)
model(model.normalize(images))     # what the module answers
model.features(...)                # what the layer "fc" is given
"""

from typing import Any

import torch
from torch import Tensor, nn

from unlearnleak.errors import UserError
from unlearnleak.machine.printable import printable
from unlearnleak.model.base import NO_HEAD, Classifier

LONGEST_REASON = 300


class Wrapped(Classifier):
    """Answers what `module` answers; its features are the input of the linear layer that is named as its head.

    The module stays whole and is run as its author wrote it: layers after the head, or a head that is not the last of
    its attributes, change nothing. Its tensors are stored under "module.<their names>".

    Args:
        module: float images [N, C, H, W], normalised, to logits [N, K].
        head: the name of the layer, as in `module.named_modules()`; None if there is none or none is known.
        image_shape, num_classes, mean, std: as for every classifier.

    Raises `UserError` where there is no such layer, it is not linear, or the module does not make [N, K] of the images.
    """

    version = 1

    def __init__(self, module: nn.Module, *, head: str | None, **shape: Any) -> None:
        super().__init__(**shape)
        self.module, self.name = module, head
        if head is not None:
            _check_layer(module, head, self.num_classes)
        self._try()

    @property
    def head(self) -> nn.Linear | None:  # type: ignore[override]  # found by name, or its tensors would be kept twice
        """The layer that was named."""
        layer = None if self.name is None else self.module.get_submodule(self.name)
        assert layer is None or isinstance(layer, nn.Linear), f"{self.name} was linear when it was named"
        return layer

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """The module's own answer [N, K] to normalised float images [N, C, H, W]."""
        logits: Tensor = self.module(x_NCHW)
        return logits

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x) [N, D]: what the head is given while the module runs; gradients go through it.

        Raises:
            UserError: no head is known, or it is not run exactly once.
        """
        if self.head is None:
            raise UserError(NO_HEAD.format("features"))
        given: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
        try:
            self.module(x_NCHW)
        finally:
            handle.remove()
        if len(given) != 1:
            raise UserError(
                f"The layer {self.name!r} is run {len(given)} times for one batch, a head once: name another layer."
            )
        return given[0]

    def _try(self) -> None:
        """Holds what comes out for one black image against what must."""
        modes = [(part, part.training) for part in self.modules()]
        self.eval()
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                x = self.normalize(torch.zeros(1, *self.image_shape, device=self.mean.device))
                answer, phi_ND = self(x), None if self.head is None else self.features(x)
        except UserError:
            raise
        except Exception as error:  # whatever somebody else's code makes of a shape that it was not written for
            raise cannot_take(self.image_shape, error) from error
        finally:
            for part, mode in modes:
                part.training = mode
        shapes = {"answers": (answer, (1, self.num_classes)), f"input of {self.name!r}": (phi_ND, (1, self._width()))}
        for what, (found, wanted) in shapes.items():
            if found is not None and (not isinstance(found, Tensor) or tuple(found.shape) != wanted):
                made = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
                raise UserError(f"For one image the module's {what} must be a tensor of shape {wanted}, not {made}.")

    def _width(self) -> int:
        return 0 if self.head is None else self.head.in_features


def cannot_take(image_shape: tuple[int, int, int], error: Exception) -> UserError:
    """The refusal of a module that raised `error` over images of this shape."""
    shape, why = "x".join(map(str, image_shape)), printable(str(error).strip()[:LONGEST_REASON])
    return UserError(f"The module cannot take images of {shape} (C x H x W): {type(error).__name__}: {why}")


def _check_layer(module: nn.Module, name: str, num_classes: int) -> None:
    linear = {each: part for each, part in module.named_modules() if isinstance(part, nn.Linear)}
    if name not in linear:
        there = "is not linear" if name in dict(module.named_modules()) else "is not there"
        raise UserError(f"head={name!r} {there}. Linear layers of this module: {', '.join(linear) or 'none'}.")
    if linear[name].out_features != num_classes:
        raise UserError(
            f"head={name!r} has {linear[name].out_features} outputs for {num_classes} classes: name the layer that "
            "makes the logits."
        )

"""Classifier: what every architecture shares. `wrapped` makes one of a module that somebody else wrote."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from unlearnleak.errors import UserError


class Classifier(nn.Module, ABC):
    """A feature extractor phi(x) in R^D and a linear head W phi(x) + b.

    It knows nothing of how it is trained: `unlearnleak.training.lit.LitTraining` does that.

    Args:
        image_shape: (C, H, W) of the images.
        num_classes: K, the width of the head.
        mean, std: per channel, of the training images in [0, 1]; kept as buffers, so that a stored model is
            complete.
    """

    version: ClassVar[int]
    smallest_side: ClassVar[int] = 1
    """The least height and width, in pixels, of images that the layers leave something of."""
    head: nn.Linear | None
    """The last layer, [K, D]. None only in a model of somebody else's (`wrapped`) of which no layer is known."""

    def __init__(
        self,
        *,
        image_shape: tuple[int, int, int],
        num_classes: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        super().__init__()
        self.check_images(image_shape)
        self.image_shape = image_shape
        self.num_classes = num_classes
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32)[:, None, None])
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32)[:, None, None])

    @classmethod
    def check_images(cls, image_shape: tuple[int, int, int]) -> None:
        """Raises UserError if images of this shape (C, H, W) are too small, which is known before a model is built."""
        _, height, width = image_shape
        if min(height, width) < cls.smallest_side:
            small = "Enlarge the images; model=lenet takes the smallest."
            raise UserError(
                f"model={cls.__module__.rpartition('.')[2]} cannot take {height}x{width} images: sides of at least "
                f"{cls.smallest_side} pixels are needed. "
                + ("Take model=mlp for the rows of a table." if height == width == 1 else small)
            )

    @abstractmethod
    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised float images [N, C, H, W] to features [N, D]."""

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Logits [N, K] of normalised float images [N, C, H, W]."""
        logits: Tensor = self.linear_head()(self.features(x_NCHW))
        return logits

    def linear_head(self) -> nn.Linear:
        """The head, for who cannot do without.

        Raises:
            UserError: the model has none that is known.
        """
        if self.head is None:
            raise UserError(NO_HEAD.format("head"))
        return self.head

    def check_head(self, who: str) -> None:
        """Raises UserError where no layer is known as the head, without which `who` ("unlearner=trew") cannot do."""
        if self.head is None:
            raise UserError(
                f"{who} works on the model's last linear layer, and none of a {type(self).__name__} is known. Name it "
                "(head=fc, for example), or take a method that needs none."
            )

    def normalize(self, images_NCHW: Tensor) -> Tensor:
        """Images, uint8 in 0..255 or float in [0, 1], to the model's input: zero mean, unit deviation."""
        if images_NCHW.dtype == torch.uint8:  # in place from here: the float copy is nobody else's
            return images_NCHW.float().div_(255).sub_(self.mean).div_(self.std)
        normalised: Tensor = (images_NCHW - self.mean) / self.std
        return normalised


NO_HEAD = (
    "This model gives no {}: no linear layer of it is known as its head. Name that layer (head=fc, for example), or "
    "take an attack that needs answers or gradients alone."
)

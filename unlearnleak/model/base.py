"""LitClassifier: what every architecture shares."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unlearnleak.errors import UserError
from unlearnleak.training.optimization import Optimization


class LitClassifier(pl.LightningModule, ABC):
    """A feature extractor phi(x) in R^D and a linear head W phi(x) + b.

    Args:
        image_shape: (C, H, W) of the images.
        num_classes: K, the width of the head.
        mean, std: per channel, of the training images in [0, 1]; kept as buffers, so that a stored model is
        complete.
    """

    version: ClassVar[int]
    smallest_side: ClassVar[int] = 1
    """The least height and width, in pixels, of images that the layers leave something of."""
    head: nn.Linear

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
        self.optimization: Optimization | None = None
        self.criterion: Callable[[Tensor, Tensor], Tensor] = cross_entropy

    @classmethod
    def check_images(cls, image_shape: tuple[int, int, int]) -> None:
        """Raises UserError if images of this shape (C, H, W) are too small, which is known before a model is built."""
        _, height, width = image_shape
        if min(height, width) < cls.smallest_side:
            raise UserError(
                f"model={cls.__module__.rpartition('.')[2]} cannot take {height}x{width} images: sides of at least "
                f"{cls.smallest_side} pixels are needed. Enlarge the images; model=lenet takes the smallest."
            )

    @abstractmethod
    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised float images [N, C, H, W] to features [N, D]."""

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """Logits [N, K] of normalised float images [N, C, H, W]."""
        logits: Tensor = self.head(self.features(x_NCHW))
        return logits

    def normalize(self, images_NCHW: Tensor) -> Tensor:
        """Images, uint8 in 0..255 or float in [0, 1], to the model's input: zero mean, unit deviation."""
        if images_NCHW.dtype == torch.uint8:  # in place from here: the float copy is nobody else's
            return images_NCHW.float().div_(255).sub_(self.mean).div_(self.std)
        normalised: Tensor = (images_NCHW - self.mean) / self.std
        return normalised

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """The criterion on one batch of uint8 images and labels; logits go along for the curves.

        The criterion is the mean cross-entropy unless an unlearner has put another in its place.
        """
        images_NCHW, labels_N = batch
        logits_NK = self(self.normalize(images_NCHW))
        return {"loss": self.criterion(logits_NK, labels_N), "logits": logits_NK.detach()}

    def configure_optimizers(self) -> Any:
        """SGD as `self.optimization` says; `unlearnleak.training.fit.fit` sets it."""
        assert self.optimization is not None, "unlearnleak.training.fit.fit sets the optimization"
        return self.optimization.build(self.parameters())

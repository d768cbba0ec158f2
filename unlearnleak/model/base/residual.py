"""Residual: torchvision's resnet18 without its last layer, whatever its stem."""

from abc import abstractmethod
from typing import Any

from torch import Tensor, nn

from unlearnleak.model.base import Classifier


class Residual(Classifier):
    """The blocks of torchvision's resnet18 without pretrained weights, behind a stem of the class's own; D = 512.

    He et al. 2016, https://arxiv.org/abs/1512.03385.
    """

    def __init__(self, **shape: Any) -> None:
        from torchvision.models import resnet18  # noqa: PLC0415  (a second that LeNet runs are spared)

        super().__init__(**shape)
        self.body = resnet18(weights=None)
        self.body.fc = nn.Identity()
        self.stem()
        self.head = nn.Linear(512, self.num_classes)

    @abstractmethod
    def stem(self) -> None:
        """Put what comes before the blocks in the place of the body's own, where that does not fit."""

    def convolution(self, side: int, **how: Any) -> nn.Conv2d:
        """A first convolution for the images' channels, with the initial weights that torchvision gives its own."""
        made = nn.Conv2d(self.image_shape[0], 64, kernel_size=side, bias=False, **how)
        nn.init.kaiming_normal_(made.weight, mode="fan_out", nonlinearity="relu")
        return made

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised images [N, C, H, W] to [N, 512], all entries >= 0."""
        phi_ND: Tensor = self.body(x_NCHW)
        return phi_ND

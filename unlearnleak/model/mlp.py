"""A multilayer perceptron, for the rows of tables and for images of any size."""

from typing import Any

from torch import Tensor, nn

from unlearnleak.model.base import Classifier

WIDTH = 128


class Mlp(Classifier):
    """Two hidden layers of 128 units with ReLU; D = 128."""

    version = 1

    def __init__(self, **shape: Any) -> None:
        super().__init__(**shape)
        channels, height, width = self.image_shape
        self.body = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * height * width, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDTH, self.num_classes)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised rows or images [N, C, H, W] to [N, 128], all entries >= 0."""
        phi_ND: Tensor = self.body(x_NCHW)
        return phi_ND

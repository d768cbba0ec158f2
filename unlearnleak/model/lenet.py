"""LeNet-5 with ReLU and max pooling, for images of 12 pixels a side and more."""

from typing import Any

import torch
from torch import Tensor, nn

from unlearnleak.machine.max_pool import MaxPool2x2
from unlearnleak.model.base import Classifier


class LeNet(Classifier):
    """Two 5x5 convolutions, then 120 and 84 units; D = 84.

    The first convolution of 28-pixel images is padded by 2, as in LeCun et al. 1998, "Gradient-based learning
    applied to document recognition" (http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf), whose input is
    28-pixel digits in a field of 32; larger images are taken as they are.
    """

    version = 1
    smallest_side = 12

    def __init__(self, **shape: Any) -> None:
        super().__init__(**shape)
        channels, height, width = self.image_shape
        self.body = nn.Sequential(
            nn.Conv2d(channels, 6, 5, padding=2 if min(height, width) < 32 else 0),
            MaxPool2x2(),  # before the ReLU, which then has a quarter of the work: the largest of a window is the same
            nn.ReLU(),
            nn.Conv2d(6, 16, 5),
            MaxPool2x2(),
            nn.ReLU(),
            nn.Flatten(),
        )
        with torch.no_grad():
            flat = self.body(torch.zeros(1, channels, height, width)).shape[1]
        self.body.extend([nn.Linear(flat, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU()])
        self.head = nn.Linear(84, self.num_classes)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x): normalised images [N, C, H, W] to [N, 84], all entries >= 0."""
        phi_ND: Tensor = self.body(x_NCHW)
        return phi_ND

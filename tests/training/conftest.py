import pytest
import torch
from torch import nn

from unlearnleak.model.base import Classifier


class Normalised(Classifier):
    """A convolution with batch normalisation, which tells training mode from evaluation mode."""

    version = 1

    def __init__(self, **shape):
        super().__init__(**shape)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten())
        self.head = nn.Linear(256, 10)

    def features(self, x_NCHW):
        return self.body(x_NCHW)


@pytest.fixture
def normalised(digits):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Normalised(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)

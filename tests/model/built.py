"""Models with the same weights at every call."""

import torch

from unlearnleak.machine.seeds import isolated
from unlearnleak.model.base import Classifier


def build(kind: type[Classifier], channels: int, height: int, width: int, classes: int = 10) -> Classifier:
    """In evaluation mode."""
    with isolated(0, kind.__name__):
        return kind(
            image_shape=(channels, height, width),
            num_classes=classes,
            mean=(0.5,) * channels,
            std=(0.25,) * channels,
        ).eval()


def check_residual(model: Classifier) -> None:
    """Features of 512 entries that a ReLU has been over, and the head's logits of them."""
    x = torch.randn(2, *model.image_shape, generator=torch.Generator().manual_seed(0))
    phi = model.features(x)
    assert phi.shape == (2, 512)
    assert phi.min() >= 0
    assert phi.max() > 0
    assert model(x).shape == (2, model.num_classes)
    assert torch.equal(model.head(phi), model(x))

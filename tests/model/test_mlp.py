import pytest
import torch
from torch import nn

from unlearnleak.model.mlp import Mlp


@pytest.mark.parametrize("shape", [(13, 1, 1), (1, 28, 28), (3, 32, 32), (1, 1, 1)])
def test_rows_and_images_of_any_size_become_128_features_and_logits(shape):
    model = Mlp(image_shape=shape, num_classes=7, mean=(0.5,) * shape[0], std=(0.2,) * shape[0])
    x = torch.randn(5, *shape)
    phi = model.features(x)
    assert phi.shape == (5, 128)
    assert (phi >= 0).all()
    torch.testing.assert_close(model(x), phi @ model.head.weight.T + model.head.bias)


def test_it_is_two_hidden_layers():
    model = Mlp(image_shape=(4, 1, 1), num_classes=3, mean=(0.0,) * 4, std=(1.0,) * 4)
    first, second = (layer for layer in model.body if isinstance(layer, nn.Linear))
    x = torch.randn(6, 4)
    hidden = (x @ first.weight.T + first.bias).relu()
    torch.testing.assert_close(model.features(x[..., None, None]), (hidden @ second.weight.T + second.bias).relu())

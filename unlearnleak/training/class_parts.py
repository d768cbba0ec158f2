"""A layer's weight and bias gradients split by class: of one class's samples, or of all classes at once by masks.

Shape letters: B samples of a batch, K classes, U output units or channels, D input units, C input channels.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

Parts = tuple[Tensor, Tensor]


def linear_parts(layer: nn.Linear, a_BD: Tensor, e_BU: Tensor) -> Parts:
    """Weight gradient [U, D] and bias gradient [U] of a linear layer."""
    return e_BU.T @ a_BD, e_BU.sum(0)


def conv_parts(layer: nn.Conv2d, a_BCHW: Tensor, e_BUHW: Tensor) -> Parts:
    """Weight gradient [U, C/groups, h, w] and bias gradient [U] of a convolution."""
    weight: Tensor = conv2d_weight(
        a_BCHW, layer.weight.shape, e_BUHW, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    return weight, e_BUHW.sum((0, 2, 3))


def batchnorm_parts(layer: nn.BatchNorm2d, a_BCHW: Tensor, e_BCHW: Tensor) -> Parts:
    """Weight and bias gradient [C] of a batch normalisation, whose weight multiplies the normalised `a`."""
    return (a_BCHW * e_BCHW).sum((0, 2, 3)), e_BCHW.sum((0, 2, 3))


LAYERS: dict[type[nn.Module], Callable[[Any, Tensor, Tensor], Parts]] = {
    nn.Linear: linear_parts,
    nn.Conv2d: conv_parts,
    nn.BatchNorm2d: batchnorm_parts,
}


def masked_linear(layer: nn.Linear, a_BD: Tensor, e_BU: Tensor, mask_KB: Tensor) -> Parts:
    """The parts of all classes at once: weight gradients [K, U, D] and bias gradients [K, U]."""
    e_KUB = (mask_KB[:, :, None] * e_BU).transpose(1, 2)
    return e_KUB @ a_BD, mask_KB @ e_BU


def masked_conv(layer: nn.Conv2d, a_BCHW: Tensor, e_BUHW: Tensor, mask_KB: Tensor) -> Parts:
    """Weight gradients [K, U, C/groups, h, w] and bias gradients [K, U].

    A convolution's weight gradient is a product of its outputs' gradients with the windows of its input: one product
    for all classes. It is rounded as cuDNN rounds convolutions.
    """
    bias_KU = mask_KB @ e_BUHW.sum((2, 3))
    if layer.groups > 1:
        parts = [conv_parts(layer, a_BCHW, mask_B[:, None, None, None] * e_BUHW)[0] for mask_B in mask_KB]
        return torch.stack(parts), bias_KU
    assert not isinstance(layer.padding, str)  # check_layer has seen to it
    windows_BDL = nn.functional.unfold(a_BCHW, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    e_BUL = e_BUHW.flatten(2)
    K, (B, U, L) = len(mask_KB), e_BUL.shape
    e_KUN = (mask_KB[:, None, :, None] * e_BUL.transpose(0, 1)).reshape(K * U, B * L)
    precise = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        weight = e_KUN @ windows_BDL.transpose(1, 2).reshape(B * L, -1)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = precise
    return weight.view(K, *layer.weight.shape), bias_KU


def masked_batchnorm(layer: nn.BatchNorm2d, a_BCHW: Tensor, e_BCHW: Tensor, mask_KB: Tensor) -> Parts:
    """Weight and bias gradients [K, C]."""
    return mask_KB @ (a_BCHW * e_BCHW).sum((2, 3)), mask_KB @ e_BCHW.sum((2, 3))


MASKED: dict[type[nn.Module], Callable[[Any, Tensor, Tensor, Tensor], Parts]] = {
    nn.Linear: masked_linear,
    nn.Conv2d: masked_conv,
    nn.BatchNorm2d: masked_batchnorm,
}

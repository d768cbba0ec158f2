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


def windows(layer: nn.Conv2d, a_BCHW: Tensor) -> Tensor:
    """What each output position sees of its input, [B L, C h w]; L positions of a sample.

    Views and one copy: torch's own unfold launches a kernel for each sample.
    """
    assert not isinstance(layer.padding, str)  # class_updates.check_layer has seen to it
    (h, w), (down, right), (above, beside) = layer.kernel_size, layer.stride, layer.padding
    padded = nn.functional.pad(a_BCHW, (beside, beside, above, above))
    windows_BCHWhw = padded.unfold(2, h, down).unfold(3, w, right)
    return windows_BCHWhw.permute(0, 2, 3, 1, 4, 5).reshape(-1, a_BCHW.shape[1] * h * w)


def masked_conv(layer: nn.Conv2d, a_BCHW: Tensor, e_BUHW: Tensor, mask_KB: Tensor) -> Parts:
    """Weight gradients [K, U, C/groups, h, w] and bias gradients [K, U].

    A convolution's weight gradient is a product of its outputs' gradients with the windows of its input: one product
    for all classes. It is rounded as cuDNN rounds convolutions.
    """
    bias_KU = mask_KB @ e_BUHW.sum((2, 3))
    if layer.groups > 1 or layer.dilation != (1, 1):
        parts = [conv_parts(layer, a_BCHW, mask_B[:, None, None, None] * e_BUHW)[0] for mask_B in mask_KB]
        return torch.stack(parts), bias_KU
    e_UBL = e_BUHW.flatten(2).transpose(0, 1)
    e_KUBL = mask_KB[:, None, :, None] * e_UBL
    precise = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        weight = e_KUBL.flatten(2).flatten(0, 1) @ windows(layer, a_BCHW)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = precise
    return weight.view(len(mask_KB), *layer.weight.shape), bias_KU


def masked_batchnorm(layer: nn.BatchNorm2d, a_BCHW: Tensor, e_BCHW: Tensor, mask_KB: Tensor) -> Parts:
    """Weight and bias gradients [K, C]."""
    return mask_KB @ (a_BCHW * e_BCHW).sum((2, 3)), mask_KB @ e_BCHW.sum((2, 3))


MASKED: dict[type[nn.Module], Callable[[Any, Tensor, Tensor, Tensor], Parts]] = {
    nn.Linear: masked_linear,
    nn.Conv2d: masked_conv,
    nn.BatchNorm2d: masked_batchnorm,
}

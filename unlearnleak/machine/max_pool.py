"""MaxPool2x2: 2x2 max pooling whose forward pass runs at the speed of the processor's vector units.

On a CPU, PyTorch 2.15 pools contiguous images one number at a time, which took a quarter of a LeNet's training step.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

WINDOW, PADDING, DILATION = (2, 2), (0, 0), (1, 1)


class _Halved(torch.autograd.Function):
    """Element-wise maxima of the windows' corners; the gradient is PyTorch's own, told where each maximum was.

    In the form that `torch.func` can transform, which also has the maxima's places among its results.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        height, width = (side // 2 * 2 for side in x_NCHW.shape[-2:])
        a, b, c, d = (x_NCHW[..., row:height:2, column:width:2] for row in (0, 1) for column in (0, 1))
        upper, lower = torch.maximum(a, b), torch.maximum(c, d)
        line = x_NCHW.shape[-1]
        small = torch.uint8 if line < 255 else torch.int64  # arithmetic on bytes takes a tenth of a choice's time
        low, right, low_right = ((p > q).to(small) for p, q in ((lower, upper), (b, a), (d, c)))
        within = right + low * (low_right + line - right)  # among equals the first, as in PyTorch; bytes may wrap
        corner = torch.arange(0, height, 2)[:, None] * line + torch.arange(0, width, 2)
        return torch.maximum(upper, lower), within + corner

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(inputs[0], output[1])

    @staticmethod
    def backward(ctx: Any, slope: Tensor, _: Tensor | None) -> Tensor:
        x_NCHW, place = ctx.saved_tensors
        slope_NCHW: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(
            slope, x_NCHW, WINDOW, WINDOW, PADDING, DILATION, False, place
        )
        return slope_NCHW


class MaxPool2x2(nn.Module):
    """`nn.MaxPool2d(2)`: values and gradients are the same bits, for all images without NaN.

    The largest of each 2x2 window of [N, C, H, W]; a last odd row or column is left out. On a GPU, and in
    a file of torch.export, it is PyTorch's own pooling. `python -m benchmarks.training` shows what it brings.
    """

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C, H // 2, W // 2]."""
        if x_NCHW.is_cuda or torch.compiler.is_exporting():
            return max_pool2d(x_NCHW, WINDOW)
        if x_NCHW.requires_grad and torch.is_grad_enabled():
            halved: Tensor = _Halved.apply(x_NCHW)[0]
            return halved
        height, width = (side // 2 * 2 for side in x_NCHW.shape[-2:])
        rows = torch.maximum(x_NCHW[..., 0:height:2, :width], x_NCHW[..., 1:height:2, :width])
        return torch.maximum(rows[..., 0::2], rows[..., 1::2])

"""ClassLedger: how far the samples of each class moved the weights during one training run.

With SGD a step is linear in the gradients, and the gradient of a batch is a sum over its samples. So each step, and
momentum with it, splits into one part per class, and the parts of all K classes are kept in one run:

    v_c <- momentum * v_c + g_c + weight_decay * d_c        d_c <- d_c - lr * v_c

where g_c sums the loss gradients at the positions of class-c samples. Sum_c d_c = final - initial weights (with weight
decay, what is missing is the decay of the initial weights, which no class caused).

The gradient of a layer is split where it arises, by sample position: from the layer's input a_i and the gradient at its
output e_i, the part of class c is Sum_{i in c} a_i e_i^T. That holds for convolutions too, and for batch normalisation,
where a sample also reaches other samples' losses: what arrives at its position counts as its own.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight
from torch.optim import SGD

from unlearnleak.errors import UserError

Parts = tuple[Tensor, Tensor | None]


def linear_parts(layer: nn.Linear, a_ND: Tensor, e_NU: Tensor) -> Parts:
    """Weight and bias gradient of a linear layer from inputs [N, D] and output gradients [N, U]."""
    return e_NU.T @ a_ND, e_NU.sum(0)


def conv_parts(layer: nn.Conv2d, a_NCHW: Tensor, e_NUHW: Tensor) -> Parts:
    """Weight and bias gradient of a convolution from inputs and output gradients."""
    weight = conv2d_weight(
        a_NCHW, layer.weight.shape, e_NUHW, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    return weight, e_NUHW.sum((0, 2, 3))


LAYERS: dict[type[nn.Module], Callable[[Any, Tensor, Tensor], Parts]] = {
    nn.Linear: linear_parts,
    nn.Conv2d: conv_parts,
}


def batchnorm_inputs(layer: nn.BatchNorm2d, x_NCHW: Tensor) -> Tensor:
    """The normalised activations that batch normalisation multiplies its weight with, in training mode."""
    return nn.functional.batch_norm(x_NCHW, None, None, training=True, eps=layer.eps)


class ClassLedger(pl.Callback):
    """Keeps `ledger_KP`, one row of flattened weight movements per class, while the original model trains.

    The gradients that the optimiser sees are left alone: a run with a ledger ends in the same bits as one without.
    P counts the parameters in the order of `model.parameters()`.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self.ledger_KP: Tensor
        self.inputs: dict[nn.Module, Tensor] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Allocates two [K, P] tensors and hooks every layer that has parameters."""
        parameters = list(pl_module.parameters())
        size = sum(p.numel() for p in parameters)
        device = parameters[0].device
        self.ledger_KP = torch.zeros(self.num_classes, size, device=device)
        self.velocity_KP = torch.zeros_like(self.ledger_KP)
        self.gradient_KP = torch.zeros_like(self.ledger_KP)
        offsets, start = {}, 0
        for parameter in parameters:
            offsets[parameter] = start
            start += parameter.numel()
        self.offsets = offsets
        self.handles: list[Any] = []
        covered = 0
        for module in pl_module.modules():
            own = list(module.parameters(recurse=False))
            if not own:
                continue
            if type(module) not in LAYERS and not isinstance(module, nn.BatchNorm2d):
                raise UserError(
                    f"unlearner=au cannot keep a ledger of a {type(module).__name__} layer: it knows "
                    "Linear, Conv2d and BatchNorm2d. Use another unlearner for this model."
                )
            covered += sum(p.numel() for p in own)
            self.handles += [
                module.register_forward_hook(self._keep_input),
                module.register_full_backward_hook(self._split_gradient),
            ]
        assert covered == size, "every parameter belongs to a hooked layer"

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Sorts out which samples of the batch belong to which class."""
        labels_B = batch[1]
        self.present = labels_B.unique().tolist()
        self.positions = {c: (labels_B == c).nonzero()[:, 0] for c in self.present}
        self.gradient_KP.zero_()

    def _keep_input(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if module.training and torch.is_grad_enabled():
            self.inputs[module] = inputs[0].detach()

    @torch.no_grad()
    def _split_gradient(self, module: nn.Module, grad_input: Any, grad_output: tuple[Tensor, ...]) -> None:
        if module not in self.inputs:
            return
        a, e = self.inputs.pop(module), grad_output[0]
        if isinstance(module, nn.BatchNorm2d):
            products = batchnorm_inputs(module, a) * e
        for c in self.present:
            at = self.positions[c]
            if isinstance(module, nn.BatchNorm2d):
                weight, bias = products[at].sum((0, 2, 3)), e[at].sum((0, 2, 3))
            else:
                weight, bias = LAYERS[type(module)](module, a[at], e[at])
            self._add(c, module.weight, weight)
            if module.bias is not None:
                self._add(c, module.bias, bias)

    def _add(self, c: int, parameter: Any, part: Tensor) -> None:
        start = self.offsets[parameter]
        self.gradient_KP[c, start : start + parameter.numel()] += part.reshape(-1)

    def on_before_zero_grad(self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any) -> None:
        """Nothing: gradients are split in the backward hooks."""

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any
    ) -> None:
        """Repeats the optimiser's own step, class by class."""
        group = optimizer.param_groups[0]
        if type(optimizer) is not SGD or group["nesterov"] or group["dampening"]:
            raise UserError(
                "unlearner=au needs plain SGD with momentum: its ledger relies on linear updates."
            )
        if group["weight_decay"]:
            self.gradient_KP.add_(self.ledger_KP, alpha=group["weight_decay"])
        self.velocity_KP.mul_(group["momentum"]).add_(self.gradient_KP)
        self.ledger_KP.add_(self.velocity_KP, alpha=-group["lr"])

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Takes the hooks off and frees what only training needed."""
        for handle in self.handles:
            handle.remove()
        self.inputs.clear()
        del self.velocity_KP, self.gradient_KP

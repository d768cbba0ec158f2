"""ClassLedger: how far the samples of each class moved the weights during one training run.

With SGD a step is linear in the gradients, and the gradient of a batch is a sum over its samples. So each
step, and momentum with it, splits into one part per class, and the parts of all K classes are kept in one
run:

    v_c <- momentum * v_c + g_c + weight_decay * d_c        d_c <- d_c - lr * v_c

where g_c sums the loss gradients at the positions of class-c samples. Sum_c d_c = final - initial weights
(with weight decay, what is missing is the decay of the initial weights, which no class caused).

The gradient of a layer is split where it arises, by sample position: from the layer's input a_i and the
gradient at its output e_i, the part of class c is Sum_{i in c} a_i e_i^T. That holds for convolutions too,
and for batch normalisation, where a sample also reaches other samples' losses: what arrives at its position
counts as its own. Where its statistics are frozen, samples do not meet, and it is a layer like any other.

Shape letters: B samples of a batch, K classes, P parameters, U output units or channels, D input units, C
input channels.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import SGD

from unlearnleak.errors import UserError
from unlearnleak.training.class_parts import LAYERS, MASKED

ALL = -1
"""In the place of a row: every row of the ledger at once."""


def check_layer(module: nn.Module) -> None:
    """Raise `UserError` unless the gradient of this layer can be split by sample position."""
    if type(module) not in LAYERS:
        raise UserError(
            f"unlearner=au cannot keep a ledger of a {type(module).__name__} layer: it knows "
            f"{', '.join(kind.__name__ for kind in LAYERS)}. Use another unlearner for this model."
        )
    if isinstance(module, nn.Conv2d) and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        raise UserError(
            f"unlearner=au cannot keep a ledger of a Conv2d with padding={module.padding!r} and "
            f"padding_mode={module.padding_mode!r}: give the padding in pixels, with padding_mode='zeros'."
        )


def check_trainer(trainer: pl.Trainer, clip_norm: float | None = None) -> None:
    """Raise `UserError` unless each batch makes one step that is linear in its gradient.

    `clip_norm` is of steps that clip by themselves.
    """
    if clips := trainer.gradient_clip_val or clip_norm:
        raise UserError(
            f"unlearner=au needs an original that was trained without clipping, but clip_norm is "
            f"{clips}: a clipped step is no sum over classes. "
            "Set training.clip_norm=null."
        )
    if trainer.accumulate_grad_batches != 1:
        raise UserError(
            f"unlearner=au needs a step per batch, not one per {trainer.accumulate_grad_batches} batches "
            "(accumulate_grad_batches): its ledger splits each batch by itself. "
            "Raise training.batch_size instead."
        )


def check_optimizer(optimizer: Any) -> None:
    """Raise `UserError` unless this is plain SGD with one group of parameters."""
    group = optimizer.param_groups[0]
    bent = [name for name in ("nesterov", "dampening", "maximize") if group.get(name)]
    if type(optimizer) is not SGD or len(optimizer.param_groups) > 1 or bent:
        found = " with ".join((type(optimizer).__name__, *bent))
        raise UserError(
            f"unlearner=au needs plain SGD with one group of parameters, and found {found} with "
            f"{len(optimizer.param_groups)} group(s): its ledger repeats SGD's step, with momentum and decay."
        )


class ClassLedger(pl.Callback):
    """Keeps `ledger_KP`, one row of flattened weight movements per class, while the original model trains.

    With `only`, of these classes alone, in their order: K is their number then, and a second training, which ends in
    the same weights, can keep the others'.

    With `masks` the parts of all classes are computed at once, from the whole batch with all other samples masked: K
    times the arithmetic, in shapes that do not depend on the batch, which a GPU is several times faster at. None does
    so on a GPU alone.

    The gradients that the optimiser sees are left alone: a run with a ledger ends in the same bits as one
    without. P counts the parameters in the order of `model.parameters()`. It costs three [K, P] tensors on
    the model's device while training, of which `ledger_KP` stays; with masks two.

    Raises `UserError` for layers, trainers and optimisers whose steps are not such a sum over classes.
    """

    version = 1
    captured = True

    def __init__(self, num_classes: int, only: Sequence[int] | None = None, *, masks: bool | None = None) -> None:
        self.classes = list(range(num_classes) if only is None else only)
        self.of_some = len(self.classes) < num_classes
        self.masks_asked = masks
        self.ledger_KP: Tensor
        self.ends_P = torch.empty(0)
        self.velocity_KP: Tensor
        self.handles: list[Any] = []
        self.group: dict[str, Any] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Allocates the [K, P] tensors, unless a checkpoint held them, and hooks every layer that has parameters."""
        check_trainer(trainer, pl_module.optimization.clip_norm)
        parameters = list(pl_module.model.parameters())
        self.offsets: dict[nn.Parameter, int] = {}
        size = 0
        for parameter in parameters:
            self.offsets[parameter] = size
            size += parameter.numel()
        device = parameters[0].device
        self.masks = device.type == "cuda" if self.masks_asked is None else self.masks_asked
        self.classes_K1 = torch.tensor(self.classes, device=device)[:, None]
        if trainer.ckpt_path is None:
            self.ledger_KP = torch.zeros(len(self.classes), size, device=device)
            self.velocity_KP = torch.zeros_like(self.ledger_KP)
        self.ledger_KP, self.velocity_KP = self.ledger_KP.to(device), self.velocity_KP.to(device)
        if not self.masks:  # which add each layer's part to the velocity as it arises
            self.gradient_KP = torch.zeros_like(self.ledger_KP)
        layers = [module for module in pl_module.model.modules() if list(module.parameters(recurse=False))]
        for layer in layers:
            check_layer(layer)
        self.handles = [layer.register_forward_hook(self._watch) for layer in layers]

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Sorts out which samples of the batch belong to which class."""
        labels_B = batch[1]
        check_optimizer(trainer.optimizers[0])
        self.group = trainer.optimizers[0].param_groups[0]
        self.written: set[tuple[int, nn.Parameter]] = set()
        if self.masks:
            self.mask_KB = (labels_B == self.classes_K1).float()
            return
        there = set(labels_B.unique().tolist())
        self.positions = {
            row: (labels_B == c).nonzero()[:, 0] for row, c in enumerate(self.classes) if c in there
        }  # by row of the ledger

    def _watch(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Have the gradient at this output split when it arises.

        A hook on the tensor and not a module's backward hook: that one forbids the in-place ReLU which
        torchvision's networks put behind their layers.
        """
        if output.requires_grad:  # in training; the mode does not tell: frozen layers are in that of evaluation
            output.register_hook(partial(self._split, layer, inputs[0].detach()))

    @torch.no_grad()
    def _split(self, layer: Any, a: Tensor, e: Tensor) -> None:
        if isinstance(layer, nn.BatchNorm2d):
            frozen = not layer.training and layer.running_mean is not None
            statistics = (layer.running_mean, layer.running_var) if frozen else (None, None)
            a = nn.functional.batch_norm(a, *statistics, training=not frozen, eps=layer.eps)
        if self.masks:
            every = MASKED[type(layer)](layer, a.float(), e.float(), self.mask_KB)
            for parameter, part in zip((layer.weight, layer.bias), every, strict=True):
                if parameter is not None:
                    self._move(parameter, part)
            return
        for row, at in self.positions.items():
            parts = LAYERS[type(layer)](layer, a[at], e[at])
            for parameter, part in zip((layer.weight, layer.bias), parts, strict=True):
                if parameter is not None:
                    self._add(row, parameter, part)

    def _add(self, k: int, parameter: nn.Parameter, part: Tensor) -> None:
        """Adds to the step's gradient of a class. The first part overwrites what the step before left."""
        start = self.offsets[parameter]
        row = self.gradient_KP[k, start : start + parameter.numel()]
        if (k, parameter) in self.written:
            row += part.flatten()
        else:
            row.copy_(part.flatten())
            self.written.add((k, parameter))

    def _move(self, parameter: nn.Parameter, part: Tensor | None) -> None:
        """Moves the velocities of all classes by a step's gradients [K, ...], without a tensor for these: a GPU takes
        as long as the bytes that are read and written.

        The step's decay and momentum come with the first part of a parameter. None is a layer that was not used.
        """
        at = slice(self.offsets[parameter], self.offsets[parameter] + parameter.numel())
        velocity_Kp = self.velocity_KP[:, at]
        part_Kp = torch.zeros_like(velocity_Kp) if part is None else part.reshape(velocity_Kp.shape)
        if (ALL, parameter) in self.written:
            velocity_Kp += part_Kp
            return
        if decay := self.group["weight_decay"]:
            part_Kp = part_Kp.add(self.ledger_KP[:, at], alpha=decay)
        torch.add(part_Kp, velocity_Kp, alpha=self.group["momentum"], out=velocity_Kp)
        self.written.add((ALL, parameter))

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Any) -> None:
        """Repeats the optimiser's own step, class by class."""
        group = self.group
        for parameter, start in self.offsets.items():
            if self.masks:
                if (ALL, parameter) not in self.written:
                    self._move(parameter, None)
                continue
            for k in range(len(self.classes)):
                if (k, parameter) not in self.written:  # no sample of the class, or a layer that was not used
                    self.gradient_KP[k, start : start + parameter.numel()].zero_()
        if not self.masks:
            if group["weight_decay"]:
                self.gradient_KP.add_(self.ledger_KP, alpha=group["weight_decay"])
            self.velocity_KP.mul_(group["momentum"]).add_(self.gradient_KP)
        if torch.is_tensor(group["lr"]):
            self.ledger_KP.addcmul_(self.velocity_KP, group["lr"], value=-1)
        else:
            self.ledger_KP.add_(self.velocity_KP, alpha=-group["lr"])

    def step_state(self) -> tuple[Tensor, Tensor]:
        """What a step changes and reads again."""
        return self.ledger_KP, self.velocity_KP

    def state_dict(self) -> dict[str, Any]:
        """The sums so far, and how fast they move."""
        return {"ledger_KP": self.ledger_KP, "velocity_KP": self.velocity_KP}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from these sums."""
        self.ledger_KP, self.velocity_KP = state_dict["ledger_KP"], state_dict["velocity_KP"]

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Takes the hooks off and frees what only training needed; of some classes, keeps the weights (`ends_P`)."""
        self._unhook()
        if self.of_some:
            self.ends_P = torch.cat([parameter.detach().flatten().cpu() for parameter in self.offsets])
        del self.velocity_KP, self.classes_K1
        if not self.masks:
            del self.gradient_KP
        self.mask_KB, self.group = None, {}
        self.offsets, self.written = {}, set()  # they hold the model's parameters

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Takes the hooks off a model whose training failed."""
        self._unhook()

    def _unhook(self) -> None:
        for handle in self.handles:
            handle.remove()
        self.handles = []

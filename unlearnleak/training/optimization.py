"""How long and how fast a model is trained: the numbers of a recipe, and the optimiser that they make."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from unlearnleak.errors import UserError
from unlearnleak.training.augmentation import AUGMENTATIONS

SCHEDULES = ("constant", "cosine", "step")
PRECISIONS = ("fp32", "bf16")
ADAPTIVE: dict[str, Callable[..., torch.optim.Optimizer]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
"""Optimisers whose steps are divided by the size of the gradients so far: not linear in them, unlike SGD's."""
OPTIMIZERS = ("sgd", *ADAPTIVE)
BETA_2 = 0.999


@dataclass(frozen=True, kw_only=True)
class Optimization:
    """SGD with momentum unless another optimiser is named. SGD is linear in the gradients, which AU's ledgers rely on.

    Args:
        epochs: passes over the training set; 0 trains nothing.
        batch_size: samples per step. A last, smaller batch is left out unless it is the only one.
        lr: the learning rate after warm-up.
        optimizer: "sgd", "adam" (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980) or "adamw" (Loshchilov and Hutter
            2019, https://arxiv.org/abs/1711.05101).
        momentum: of SGD; beta_1 of the others, whose beta_2 is 0.999.
        weight_decay: of SGD and Adam, a part of the gradient; of AdamW, apart from it: weights shrink by lr *
            weight_decay of themselves each step.
        schedule: "constant"; "cosine": half a cosine that would reach zero one step after the last; or "step": a tenth
            from half of the epochs on, a hundredth from three quarters on, in whole epochs.
        warmup_epochs: epochs (may be a fraction) over which the rate rises linearly from nearly zero.
        clip_norm: upper bound of the gradient's norm, or None for none.
        precision: "fp32", or "bf16" for forward and backward passes in bfloat16 on processors with units for it
            (automatic mixed precision: the weights, their updates and everything measured stay fp32).
        augmentation: "none", or "crop_flip" for random crops and flips of each batch (`training.augmentation`).
        freeze_statistics: whether batch normalisation keeps the statistics that it has, and is not trained on batches'.
        steps_per_epoch: known once there is a training set; `unlearnleak.training.fit.fit` fills it in.

    Raises `UserError` that lists everything that is wrong with the values.
    """

    epochs: int
    batch_size: int
    lr: float
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    clip_norm: float | None = None
    precision: str = "fp32"
    augmentation: str = "none"
    freeze_statistics: bool = False
    steps_per_epoch: int = 1

    def __post_init__(self) -> None:
        allowed = {
            "epochs": (self.epochs >= 0, "0 or more"),
            "batch_size": (self.batch_size >= 1, "1 or more"),
            "lr": (0 < self.lr < math.inf, "above 0"),
            "optimizer": (self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}"),
            "momentum": (0 <= self.momentum < 1, "0 or more and below 1"),
            "weight_decay": (0 <= self.weight_decay < math.inf, "0 or more"),
            "schedule": (self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
            "precision": (self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            "augmentation": (self.augmentation in AUGMENTATIONS, f"one of {', '.join(AUGMENTATIONS)}"),
            "warmup_epochs": (0 <= self.warmup_epochs < math.inf, "0 or more"),
            "clip_norm": (self.clip_norm is None or self.clip_norm > 0, "above 0, or null for no clipping"),
        }
        problems = [
            f"{name}={getattr(self, name)!r} must be {what}" for name, (good, what) in allowed.items() if not good
        ]
        if problems:
            raise UserError("These training settings cannot be used: " + "; ".join(problems) + ".")

    @property
    def steps(self) -> int:
        """Of the optimiser, in all epochs."""
        return self.epochs * self.steps_per_epoch

    def rate_at(self, step: int) -> float:
        """The learning rate at an optimiser step (the first is 0), as a fraction of `lr`."""
        total = max(1, self.steps)
        warmup = self.warmup_epochs * self.steps_per_epoch
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if self.schedule == "constant":
            return 1.0
        if self.schedule == "step":
            epoch = step // self.steps_per_epoch
            return float(0.1 ** ((epoch >= max(1, self.epochs // 2)) + (epoch >= max(2, 3 * self.epochs // 4))))
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, total - warmup)))

    def made(self, parameters: Iterable[nn.Parameter], **how: Any) -> torch.optim.Optimizer:
        """The optimiser alone, at its full rate; `how` it computes its step is torch's to say, such as fused=True."""
        settings: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay, **how}
        if self.optimizer in ADAPTIVE:
            return ADAPTIVE[self.optimizer](parameters, betas=(self.momentum, BETA_2), **settings)
        return torch.optim.SGD(parameters, momentum=self.momentum, **settings)

    def captured_optimizer(self, parameters: Iterable[nn.Parameter], device: torch.device) -> torch.optim.Optimizer:
        """The same for steps captured as a CUDA graph: one kernel a step, the rate in a tensor on the device.

        Those of Adam's kind count their steps on the device too.
        """
        cuda = device.type == "cuda"
        how = {"capturable": cuda} if self.optimizer in ADAPTIVE else {}
        return self.made(parameters, lr=torch.tensor(self.lr, device=device), fused=cuda, **how)

    def build(self, parameters: Iterable[nn.Parameter]) -> Any:
        """The optimiser, with its per-step schedule if it has one, in the form that Lightning takes."""
        optimizer = self.made(parameters)
        if self.schedule == "constant" and self.warmup_epochs == 0:
            return optimizer
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate_at)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

"""Gradient matching: images whose loss gradient points where a model's parameters went when it forgot.

Hu et al. 2024, https://arxiv.org/abs/2404.03233, feature recovery, after Geiping et al. 2020,
https://arxiv.org/abs/2003.14053. N images, R restarts, C channels, H height, W width.
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from unlearnleak.adversary.access import Gradients, WhiteBox
from unlearnleak.adversary.inversion import to_pixels
from unlearnleak.errors import UserError, require
from unlearnleak.machine.graphs import repeated
from unlearnleak.machine.progress import meter

HALVED = (3 / 8, 5 / 8, 7 / 8)
"""The parts of all steps after which the rate is halved."""


def change(after: WhiteBox, before: WhiteBox) -> Gradients:
    """theta_u - theta: where unlearning went, which is along the gradient of the loss of what was forgotten.

    Only its direction counts. Retraining goes there only roughly: what all other samples cause is in it too; where the
    model that both began with is known, `forgotten_gradient` has it.
    """
    there = before.parameters()
    return {name: value - there[name] for name, value in after.parameters().items()}


def forgotten_gradient(whole: Gradients, rest: Gradients, *, learnt: int, kept: int) -> Gradients:
    """-(n D_ft - (n - u) D_un): along the loss gradient of the u samples that retraining left out.

    Hu et al. 2024, exact unlearning. Where each training is one step of gradient descent from the same start, it is the
    sum of their gradients times the rate; every further step puts something of the others into it. What of it is below
    the rounding of n times a parameter is lost.

    Args:
        whole, rest: D_ft and D_un, where training on all and on the kept samples went from the same start.
        learnt, kept: n and n - u.
    """
    return {name: kept * rest[name] - learnt * value for name, value in whole.items()}


def distance(gradients: Gradients, target: Gradients) -> Tensor:
    """1 - cos(gradient, target) over all parameters together, [R], of gradients [R, ...] and a target [...]."""
    dot_R = sum_of(gradients, target)
    length_R = sum_of(gradients, gradients).sqrt()
    length = torch.stack([value.square().sum() for value in target.values()]).sum().sqrt()
    return 1 - dot_R / (length_R * length).clamp(min=torch.finfo(dot_R.dtype).tiny)


def sum_of(gradients: Gradients, others: Gradients) -> Tensor:
    """The dot product of all parameters together, [R]."""
    return torch.stack([(value * others[name]).flatten(1).sum(1) for name, value in gradients.items()]).sum(0)


def adamw(x: Tensor, lr: float) -> torch.optim.AdamW:
    """AdamW for one tensor; on a GPU with a rate that lies there, so that a captured step reads it anew each time."""
    if not x.is_cuda:
        return torch.optim.AdamW([x], lr=lr)
    warnings.filterwarnings("ignore", message=r".*capturable=True")  # of steps that are not captured: the first ones
    return torch.optim.AdamW([x], lr=torch.tensor(lr, device=x.device), fused=True, capturable=True)


def roughness(x_RNCHW: Tensor) -> Tensor:
    """mean|dx| + mean|dy| of the neighbours' differences, [R]: a total variation that does not grow with the images.

    Of a single pixel, as the rows of tables are, it is 0.
    """
    down = x_RNCHW[..., 1:, :] - x_RNCHW[..., :-1, :]
    right = x_RNCHW[..., 1:] - x_RNCHW[..., :-1]
    return sum(
        (apart.abs().flatten(1).mean(1) for apart in (down, right) if apart.numel()), x_RNCHW.new_zeros(len(x_RNCHW))
    )


class Matched(NamedTuple):
    """The restart of the lowest objective: N images in [0, 1], and its objective."""

    images_NCHW: Tensor
    objective: float


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Minimises 1 - cos(gradient of N images' mean loss, target) + tv * roughness from R starts, all in one batch.

    AdamW on signed gradients, in the model's normalised input space, each step held in the box of valid pixels; the
    rate is halved at 3/8, 5/8 and 7/8 of the steps. Each restart moves as if it were alone.

    restarts: R starts x_0 ~ N(0, I).
    steps: T steps.
    lr: AdamW's.
    tv: the weight of the roughness.

    Raises:
        UserError: a setting that cannot be, by its name as an attack has it.
    """

    restarts: int
    steps: int
    lr: float
    tv: float

    def __post_init__(self) -> None:
        require(self.restarts >= 1, "attack.restarts", self.restarts, "at least 1")
        require(self.steps >= 1, "attack.steps", self.steps, "at least 1")
        require(self.lr > 0, "attack.lr", self.lr, "above 0")
        require(self.tv >= 0, "attack.tv", self.tv, "0 or more")

    def recover(self, model: WhiteBox, target: Gradients, labels_N: Tensor, generator: torch.Generator) -> Matched:
        """N images with these labels whose gradient on `model` points along `target`; starts are drawn on the CPU.

        Raises:
            UserError: every restart diverged.
        """
        shape = (self.restarts, len(labels_N), *model.image_shape)
        x_RNCHW = torch.randn(shape, generator=generator).to(model.device).requires_grad_(True)
        black, white = (
            model.normalize(torch.full((1, *model.image_shape), v, device=model.device)) for v in (0.0, 1.0)
        )
        labels_RN = labels_N.to(model.device).expand(self.restarts, -1)
        optimizer = adamw(x_RNCHW, self.lr)
        halvings = [int(part * self.steps) for part in HALVED]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, halvings, gamma=0.5)

        def objective() -> Tensor:
            """[R]."""
            return distance(model.loss_gradients(x_RNCHW, labels_RN), target) + self.tv * roughness(x_RNCHW)

        sign_RNCHW = x_RNCHW.grad = torch.zeros_like(x_RNCHW)  # which lies as x does: fused steps ask for that

        def step() -> None:
            (slope_RNCHW,) = torch.autograd.grad(objective().sum(), x_RNCHW)
            sign_RNCHW.copy_(slope_RNCHW.sign())
            optimizer.step()
            with torch.no_grad():
                x_RNCHW.clamp_(black, white)

        def state() -> list[Tensor]:
            return [x_RNCHW, *optimizer.state[x_RNCHW].values()]

        again = repeated(step, state, model.device, "a step of the gradient matching", times=self.steps)
        with meter(label="gradient matching", total=self.steps, unit="step") as bar:
            for _ in range(self.steps):
                again()
                schedule.step()
                bar.update()
        return self._best(model, x_RNCHW.detach(), objective().detach())

    def _best(self, model: WhiteBox, x_RNCHW: Tensor, objective_R: Tensor) -> Matched:
        """The restart of the lowest objective."""
        objective_R = objective_R.nan_to_num(nan=torch.inf)
        best = int(objective_R.argmin())
        if not objective_R[best].isfinite():
            raise UserError(f"attack.lr={self.lr} makes every restart of the matching diverge. Lower attack.lr.")
        return Matched(to_pixels(model, x_RNCHW[best]).cpu(), objective_R[best].item())

"""Gradient inversion: images that a classifier takes for given classes, found by plain gradient descent.

What is shared by the attacks that invert; N images, K classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.errors import UserError, require
from unlearnleak.machine.graphs import repeated
from unlearnleak.machine.progress import meter

AT_ONCE = 512
"""So many images are optimised together at most: ResNet18 on 32x32 pixels holds 2.6 MB for each."""


def total_variation(x_NCHW: Tensor) -> Tensor:
    """TV(x) [N]: the sum of the absolute differences of vertical and of horizontal neighbours."""
    down = (x_NCHW[..., 1:, :] - x_NCHW[..., :-1, :]).abs().sum((1, 2, 3))
    right = (x_NCHW[..., 1:] - x_NCHW[..., :-1]).abs().sum((1, 2, 3))
    return down + right


def box(target: WhiteBox, x_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest and the largest valid input [1, C, H, W], normalised; for the images or rows that `x_NCHW` has."""
    black, white = (target.normalize(torch.full_like(x_NCHW[:1], value)) for value in (0.0, 1.0))
    return black, white


def to_pixels(target: WhiteBox, x_NCHW: Tensor) -> Tensor:
    """Normalised inputs as images in [0, 1]: the target's normalisation turned round, and clamped."""
    black, white = box(target, x_NCHW)
    return ((x_NCHW - black) / (white - black)).clamp(0, 1)


def held_in_the_box(image_shape: tuple[int, int, int]) -> bool:
    """Whether a descent stays among valid inputs: with rows of a table, (F, 1, 1)."""
    return tuple(image_shape[1:]) == (1, 1)


def rows_in_the_box(image_shape: tuple[int, int, int]) -> dict[str, Any]:
    """What a key knows of that: evidence of rows that were free to leave the box is not used."""
    return {"rows_in_the_box": 1} if held_in_the_box(image_shape) else {}


class Inverted(NamedTuple):
    """Where the descents ended: N images, R neighbours of which are restarts of the same inversion."""

    restarts: int
    x_NCHW: Tensor
    log_p_NK: Tensor
    objective_N: Tensor

    def ranked(self, groups: int) -> "Ranked":
        """The G groups of R restarts, each in order of its objectives; what is not a number comes last."""
        objective_GR = self.objective_N.view(groups, self.restarts)
        order_GR = objective_GR.argsort(dim=1, stable=True)  # NaN counts as the largest
        row_G1 = torch.arange(groups, device=order_GR.device)[:, None]
        x_GRCHW, log_p_GRK = (part.unflatten(0, (groups, self.restarts)) for part in (self.x_NCHW, self.log_p_NK))
        return Ranked(x_GRCHW[row_G1, order_GR], log_p_GRK[row_G1, order_GR], objective_GR.gather(1, order_GR))


class Ranked(NamedTuple):
    """Inversions, the restart of the lowest objective first."""

    x_GRCHW: Tensor
    log_p_GRK: Tensor
    objective_GR: Tensor


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Descends CE(f(x), c) + l2 ||x||^2 + tv TV(x) (paper, eq. 19-21), many images in one batch.

    The objective is summed over the batch, so each image moves as if it were alone. x lives in the target's normalised
    input space. An image is not held in the box of valid ones (the paper does not say that it is). A row of a table is,
    in its starts and after every step: outside of what its columns span nothing is known of a model, and columns of
    zeros and ones would be taken far from both.

    restarts: R starts x_0 ~ N(0, I) per class.
    steps: T plain gradient steps.
    lr: their length, for the objective of one image.
    l2, tv: weights of the squared norm and of the total variation, both sums over the pixels.
    chunk: how many images are optimised at once, to bound memory; None takes all, up to AT_ONCE.

    Raises:
        UserError: a setting that cannot be, by its name as an attack has it.
    """

    restarts: int
    steps: int
    lr: float
    l2: float
    tv: float
    chunk: int | None

    def __post_init__(self) -> None:
        if self.restarts < 1 or (self.chunk is not None and self.chunk < 1):
            raise UserError(
                f"attack.restarts={self.restarts}, attack.chunk={self.chunk}: both must be at least 1 "
                "(chunk may be null: all)."
            )
        require(self.steps >= 1, "attack.steps", self.steps, "at least 1")
        require(self.lr > 0, "attack.lr", self.lr, "above 0")
        require(self.l2 >= 0, "attack.l2", self.l2, "0 or more")
        require(self.tv >= 0, "attack.tv", self.tv, "0 or more")

    def invert(
        self,
        target: WhiteBox,
        logits: Callable[[Tensor, Tensor], Tensor],
        classes_N: Tensor,
        generator: torch.Generator,
    ) -> Inverted:
        """An image for each of `classes_N`, from starts drawn on the CPU; neighbours are restarts of the same class.

        Args:
            logits: the logits [B, K] of a batch of images [B, C, H, W], of which it is also told the places in
                `classes_N` [B], on the target's device. It asks the device nothing.
        """
        starts_NCHW = torch.randn(len(classes_N), *target.image_shape, generator=generator).to(target.device)
        bounds = box(target, starts_NCHW) if held_in_the_box(target.image_shape) else None
        classes_N = classes_N.to(target.device)
        places = torch.arange(len(classes_N), device=target.device).split(self.chunk or AT_ONCE)
        with meter(label="gradient inversion", total=len(places) * self.steps, unit="step") as bar:
            parts = [
                self._descend(
                    lambda x_NCHW, place_B=place_B: logits(x_NCHW, place_B),  # type: ignore[misc]
                    starts_NCHW[place_B],
                    classes_N[place_B],
                    bounds,
                    bar.update,
                )
                for place_B in places
            ]
        return Inverted(self.restarts, *(torch.cat(part) for part in zip(*parts, strict=True)))

    def check_finite(self, best_K: Tensor) -> None:
        """Raises UserError where the best objective of a class is no number: its every restart diverged."""
        if not best_K.isfinite().all():
            lost = (~best_K.isfinite()).nonzero()[:, 0].tolist()
            raise UserError(
                f"attack.lr={self.lr} makes the inversion of classes {lost} diverge. Lower attack.lr, or attack.l2="
                f"{self.l2} if lr * l2 is near 1."
            )

    def _objective(self, logits_NK: Tensor, x_NCHW: Tensor, classes_N: Tensor) -> Tensor:
        """Eq. 20 for each image, [N]."""
        entropy_N = F.cross_entropy(logits_NK, classes_N, reduction="none")
        return entropy_N + self.l2 * x_NCHW.square().sum((1, 2, 3)) + self.tv * total_variation(x_NCHW)

    def _descend(
        self,
        logits: Callable[[Tensor], Tensor],
        x_NCHW: Tensor,
        classes_N: Tensor,
        bounds: tuple[Tensor, Tensor] | None,
        stepped: Callable[[], object],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """T steps from x, which moves in place: where it ends, the log-probabilities there and the objectives."""
        if bounds is not None:
            x_NCHW.clamp_(*bounds)
        x_NCHW.requires_grad_(True)

        def step() -> None:
            objective_N = self._objective(logits(x_NCHW), x_NCHW, classes_N)
            (slope_NCHW,) = torch.autograd.grad(objective_N.sum(), x_NCHW)
            with torch.no_grad():
                x_NCHW.sub_(self.lr * slope_NCHW)
                if bounds is not None:
                    x_NCHW.clamp_(*bounds)

        again = repeated(step, lambda: [x_NCHW], x_NCHW.device, "a step of the gradient inversion", times=self.steps)
        for _ in range(self.steps):
            again()
            stepped()
        with torch.no_grad():
            logits_NK = logits(x_NCHW)
            objective_N = self._objective(logits_NK, x_NCHW, classes_N)
        return x_NCHW.detach(), logits_NK.log_softmax(1), objective_N

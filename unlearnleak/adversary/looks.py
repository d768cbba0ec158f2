"""How models are looked at in search of probing images, and where Adam goes from what is seen.

B images of X pixels in [0, 1], each of a class.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

Loss = Literal["log", "margin"]
SURE = 0.9
"""From this probability on a probe takes the smaller steps."""
BETAS, EPS = (0.9, 0.999), 1e-8
Rows: TypeAlias = Tensor | slice
"""Which images of a batch are meant: their numbers, or `slice(None)` for all."""


def objective(log_p_NK: Tensor, class_N: Tensor, loss: Loss) -> Tensor:
    """-log p_t, or the margin max_{i != t} z_i - z_t, of each row's class t [N].

    Differences of log-probabilities are differences of logits, so the margin needs no more than a black box answers.
    """
    own_N1 = log_p_NK.gather(1, class_N[:, None])
    if loss == "log":
        return -own_N1[:, 0]
    others_NK = log_p_NK.scatter(1, class_N[:, None], -torch.inf)
    return others_NK.amax(1) - own_N1[:, 0]


class Seen(NamedTuple):
    """What a model shows of some images.

    p_B: the probability of each one's class.
    slope: of the rows that are named, which way the objective rises [B', X], and a mask of the pixels for which that is
        known [B', X], or None for all.
    """

    p_B: Tensor
    slope: Callable[[Rows], tuple[Tensor, Tensor | None]]


class Look(Protocol):
    """How a model is looked at: through a white box by gradients, through a black box by queries."""

    def __call__(self, x_BX: Tensor, class_B: Tensor, place_B: Tensor) -> Seen:
        """What images in [0, 1] of the classes class_B show; place_B says which of the N probes they are."""


class Moments:
    """Adam's state for each pixel: a pixel has a step of its own, since some looks know only some of the slopes."""

    def __init__(self, x_BX: Tensor) -> None:
        self.first_BX, self.second_BX = torch.zeros_like(x_BX), torch.zeros_like(x_BX)
        self.count_BX = torch.zeros_like(x_BX[:, :1])  # [B, 1] as long as all slopes of an image are known

    def keep(self, rows_B: Tensor) -> None:
        """Forget all rows but these."""
        self.first_BX, self.second_BX, self.count_BX = (
            part[rows_B] for part in (self.first_BX, self.second_BX, self.count_BX)
        )

    def step(self, slope_BX: Tensor, known_BX: Tensor | None) -> Tensor:
        """Adam's step for a rate of 1; pixels whose slope is not known stay, and so does their state [B, X]."""
        first_BX = torch.lerp(slope_BX, self.first_BX, BETAS[0])
        second_BX = torch.lerp(slope_BX.square(), self.second_BX, BETAS[1])
        count_BX = self.count_BX + 1
        move_BX = first_BX / (1 - BETAS[0] ** count_BX) / ((second_BX / (1 - BETAS[1] ** count_BX)).sqrt() + EPS)
        if known_BX is not None:
            first_BX = torch.where(known_BX, first_BX, self.first_BX)
            second_BX = torch.where(known_BX, second_BX, self.second_BX)
            count_BX = torch.where(known_BX, count_BX, self.count_BX)
            move_BX = torch.where(known_BX, move_BX, 0)
        self.first_BX, self.second_BX, self.count_BX = first_BX, second_BX, count_BX
        return move_BX

    def step_in_place(self, slope_BX: Tensor) -> Tensor:
        """The same for slopes that are all known; the state stays where it is."""
        held = self.first_BX, self.second_BX, self.count_BX
        move_BX = self.step(slope_BX, None)
        for part, new in zip(held, (self.first_BX, self.second_BX, self.count_BX), strict=True):
            part.copy_(new)
        self.first_BX, self.second_BX, self.count_BX = held
        return move_BX

    def forget(self) -> None:
        """Begin anew, in place."""
        for part in (self.first_BX, self.second_BX, self.count_BX):
            part.zero_()

"""Probing images: of every class some that a model is sure of, found by gradients or by queries, all in one batch.

What the label inference of Hu et al. 2024 (https://arxiv.org/abs/2404.03233) asks both models about. N probes = K
classes x P probes, neighbours are of one class, of which the surest U are used; B of them are still searched for;
X = C H W pixels in [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, get_args

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.errors import UserError, require
from unlearnleak.machine.progress import meter

Loss = Literal["log", "margin"]
SURE = 0.9
"""From this probability on a probe takes the smaller steps."""
BETAS, EPS = (0.9, 0.999), 1e-8
AT_ONCE = 512
"""So many probes are searched for together at most by gradients."""


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
    slope: of the rows that are named by a mask [B], which way the objective rises [B', X], and a mask of the pixels
        for which that is known [B', X], or None for all.
    """

    p_B: Tensor
    slope: Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Look(Protocol):
    """How a model is looked at: through a white box by gradients, through a black box by queries."""

    def __call__(self, x_BX: Tensor, class_B: Tensor, place_B: Tensor) -> Seen:
        """What images in [0, 1] of the classes class_B show; place_B says which of the N probes they are."""


class Probes(NamedTuple):
    """The surest probes of each class.

    x_KUX: their pixels, the surest first.
    p_KU: the probability of the class that they reached.
    accepted_K: how many of all probes of a class, used or not, reached the probability that is asked for.
    """

    x_KUX: Tensor
    p_KU: Tensor
    accepted_K: Tensor


def changes(found: Probes, after_NK: Tensor, queries: int = 0) -> ProbeChanges:
    """The change of entry t from before to after on the probes of class t.

    Args:
        after_NK: the later model's answers to the N = K U probes that are used.
        queries: how many images models were asked about for all that.
    """
    after_KU = after_NK.unflatten(0, (len(found.p_KU), -1)).diagonal(dim1=0, dim2=2).T
    return ProbeChanges(
        samples_KMF=(after_KU - found.p_KU)[..., None].cpu(),
        before_KP=found.p_KU.cpu(),
        accepted_K=found.accepted_K.cpu(),
        queries=queries,
    )


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


@dataclass(frozen=True, kw_only=True)
class ProbeSearch:
    """Adam from clip(N(0, 1), 0, 1) in the box of valid images, until a model is sure; else from another start.

    A class none of whose probes is accepted is probed all the same, with those that got farthest: how sure the model
    was of them is part of what is found. So every class has its probes, and nothing is divided by none.

    probes: P, how many are made of each class.
    used: how many of them, the surest, are used.
    steps: how many steps a start is given.
    lr, lr_sure: their length, before and after a probability of 0.9.
    accept: the probability at which a probe is accepted, and moves no more.
    restarts: how many starts a probe is given at most.
    loss: "log" descends -log p_t, "margin" max_{i != t} z_i - z_t.

    Raises:
        UserError: a setting that cannot be, by its name as an attack has it.
    """

    probes: int
    used: int
    steps: int
    lr: float
    lr_sure: float
    accept: float
    restarts: int
    loss: Loss

    def __post_init__(self) -> None:
        require(self.probes >= 1, "attack.probes", self.probes, "at least 1")
        require(1 <= self.used <= self.probes, "attack.used", self.used, f"1 to attack.probes={self.probes}")
        require(self.steps >= 1, "attack.steps", self.steps, "at least 1")
        require(self.lr > 0, "attack.lr", self.lr, "above 0")
        require(self.lr_sure > 0, "attack.lr_sure", self.lr_sure, "above 0")
        require(0 < self.accept < 1, "attack.accept", self.accept, "above 0 and below 1")
        require(self.restarts >= 1, "attack.restarts", self.restarts, "at least 1")
        if self.loss not in get_args(Loss):
            raise UserError(f"attack.loss={self.loss} is unknown: take one of {', '.join(get_args(Loss))}.")

    def find(
        self, look: Look, classes: int, pixels: int, generator: torch.Generator, *, device: torch.device, at_once: int
    ) -> Probes:
        """Probes of all classes on the device, from starts drawn on the CPU; `at_once` are searched for together."""
        class_N = torch.arange(classes, device=device).repeat_interleave(self.probes)
        best_NX = torch.zeros(len(class_N), pixels, device=device)
        best_N = torch.full_like(best_NX[:, 0], -1)
        for number in range(self.restarts):
            start_NX = torch.randn(len(class_N), pixels, generator=generator).clamp(0, 1).to(device)
            left_B = (best_N < self.accept).nonzero()[:, 0]
            with meter(label=f"probes, start {number + 1}", total=self.steps, unit="step") as bar:
                for place_B in left_B.split(at_once):
                    x_BX, p_B = self._descend(look, start_NX[place_B], class_N[place_B], place_B, bar.update)
                    better_B = p_B > best_N[place_B]
                    best_NX[place_B[better_B]], best_N[place_B[better_B]] = x_BX[better_B], p_B[better_B]
        return self._surest(best_NX.unflatten(0, (classes, -1)), best_N.view(classes, -1))

    def _descend(
        self, look: Look, x_BX: Tensor, class_B: Tensor, place_B: Tensor, stepped: Callable[[], object]
    ) -> tuple[Tensor, Tensor]:
        """From one start each: the images where they are accepted or end, and the probabilities there."""
        end_BX, end_B, row_B = x_BX.clone(), torch.zeros_like(x_BX[:, 0]), torch.arange(len(x_BX), device=x_BX.device)
        moments = Moments(x_BX)
        for number in range(self.steps + 1):
            seen = look(x_BX, class_B, place_B)
            end_BX[row_B], end_B[row_B] = x_BX, seen.p_B
            going_B = seen.p_B < self.accept
            if number == self.steps or not going_B.any():
                break
            slope_BX, known_BX = seen.slope(going_B)
            moments.keep(going_B)
            x_BX, class_B, place_B, row_B = (part[going_B] for part in (x_BX, class_B, place_B, row_B))
            length_B = torch.where(seen.p_B[going_B] > SURE, self.lr_sure, self.lr)
            x_BX = (x_BX - length_B[:, None] * moments.step(slope_BX, known_BX)).clamp(0, 1)
            stepped()
        return end_BX, end_B

    def _surest(self, x_KPX: Tensor, p_KP: Tensor) -> Probes:
        order_KU = p_KP.argsort(dim=1, descending=True, stable=True)[:, : self.used]
        row_K1 = torch.arange(len(p_KP), device=p_KP.device)[:, None]
        return Probes(x_KPX[row_K1, order_KU], p_KP.gather(1, order_KU), (p_KP >= self.accept).sum(1))

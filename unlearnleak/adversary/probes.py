"""Probing images: of every class some that a model is sure of, found by gradients or by queries, all in one batch.

What the label inference of Hu et al. 2024 (https://arxiv.org/abs/2404.03233) asks both models about. N probes = K
classes x P probes, neighbours are of one class, of which the surest U are used; B of them are still searched for;
X = C H W pixels in [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.looks import SURE, Look, Loss, Moments
from unlearnleak.adversary.still import StillSearch
from unlearnleak.errors import UserError, require
from unlearnleak.machine.progress import meter

AT_ONCE = 512
"""So many probes are searched for together at most by gradients."""


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
        self,
        look: Look,
        classes: int,
        pixels: int,
        generator: torch.Generator,
        *,
        device: torch.device,
        at_once: int,
        still: bool = False,
    ) -> Probes:
        """Probes of all classes on the device, from starts drawn on the CPU.

        Args:
            at_once: how many are searched for together.
            still: look at accepted probes again too, so that all steps are one program, which a GPU need not be asked
                about (`StillSearch`). The same probes but for rounding, and not for who counts looks.
        """
        class_N = torch.arange(classes, device=device).repeat_interleave(self.probes)
        best_NX = torch.zeros(len(class_N), pixels, device=device)
        best_N = torch.full_like(best_NX[:, 0], -1)
        together = min(at_once, len(class_N))
        descend = self._still(look, best_NX[:together].clone()).descend if still else partial(self._descend, look)
        for number in range(self.restarts):
            start_NX = torch.randn(len(class_N), pixels, generator=generator).clamp(0, 1).to(device)
            left_B = (best_N < self.accept).nonzero()[:, 0]
            if not len(left_B):
                continue  # the starts of all restarts are drawn, whoever needs them
            with meter(label=f"probes, start {number + 1}", total=self.steps, unit="step") as bar:
                for place_B in left_B.split(at_once):
                    x_BX, p_B = descend(start_NX[place_B], class_N[place_B], place_B, bar.update)
                    best_BX, best_B = best_NX[place_B], best_N[place_B]
                    best_NX[place_B] = torch.where((p_B > best_B)[:, None], x_BX, best_BX)
                    best_N[place_B] = torch.where(p_B > best_B, p_B, best_B)
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
            if number == self.steps:
                break
            going_B = (seen.p_B < self.accept).nonzero()[:, 0]  # the one question of a step to the device
            if not len(going_B):
                break
            slope_BX, known_BX = seen.slope(going_B)
            moments.keep(going_B)
            x_BX, class_B, place_B, row_B = (part[going_B] for part in (x_BX, class_B, place_B, row_B))
            length_B = torch.where(seen.p_B[going_B] > SURE, self.lr_sure, self.lr)
            x_BX = (x_BX - length_B[:, None] * moments.step(slope_BX, known_BX)).clamp(0, 1)
            stepped()
        return end_BX, end_B

    def _still(self, look: Look, x_BX: Tensor) -> StillSearch:
        return StillSearch(look, x_BX, steps=self.steps, lr=self.lr, lr_sure=self.lr_sure, accept=self.accept)

    def _surest(self, x_KPX: Tensor, p_KP: Tensor) -> Probes:
        order_KU = p_KP.argsort(dim=1, descending=True, stable=True)[:, : self.used]
        row_K1 = torch.arange(len(p_KP), device=p_KP.device)[:, None]
        return Probes(x_KPX[row_K1, order_KU], p_KP.gather(1, order_KU), (p_KP >= self.accept).sum(1))

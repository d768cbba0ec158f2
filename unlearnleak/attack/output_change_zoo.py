"""output_change_zoo: output_change without gradients, on probes made by asking the model before about many pixels."""

import torch
from torch import Tensor

from unlearnleak.adversary.access import QUERY_BATCH, BlackBox
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.looks import Loss, Rows, Seen, objective
from unlearnleak.adversary.probes import ProbeSearch, changes
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import require


class Queries:
    """Looks at images through a black box: slopes of J pixels, drawn anew for each look, by central differences.

    (f(x + h e) - f(x - h e)) / 2h; where x is h or less from the edge of the box, up to the edge, and divided by what
    was gone. Zeroth-order optimisation (Chen et al. 2017, ZOO, https://arxiv.org/abs/1708.03999).

    model: who is asked.
    probes: N, how many there are in all: draws are made for each of them, whichever are looked at.
    """

    def __init__(
        self, model: BlackBox, probes: int, loss: Loss, *, coordinates: int, h: float, generator: torch.Generator
    ) -> None:
        self.model, self.probes, self.loss, self.h, self.generator = model, probes, loss, h, generator
        self.pixels = torch.Size(model.image_shape).numel()
        self.J = min(coordinates, self.pixels)

    def __call__(self, x_BX: Tensor, class_B: Tensor, place_B: Tensor) -> Seen:
        """One query an image, and 2 J for each whose slope is asked for."""

        def slope(rows_B: Rows) -> tuple[Tensor, Tensor]:
            on_gpu = x_BX.device.type == "cuda"  # whose copies from pinned memory nobody waits for
            drawn_NX = torch.rand(self.probes, self.pixels, generator=self.generator, pin_memory=on_gpu)
            chosen_NJ = drawn_NX.to(x_BX.device, non_blocking=True).argsort(1)[:, : self.J]
            chosen_BJ = chosen_NJ[place_B[rows_B]]
            at_once = max(1, QUERY_BATCH // (2 * self.J))
            parts = zip(*(part.split(at_once) for part in (x_BX[rows_B], class_B[rows_B], chosen_BJ)), strict=True)
            slope_BJ = torch.cat([self._differences(*part) for part in parts])
            nothing_BX = torch.zeros_like(x_BX[rows_B])
            return nothing_BX.scatter(1, chosen_BJ, slope_BJ), nothing_BX.bool().scatter(1, chosen_BJ, True)

        return Seen(self._answers(x_BX).gather(1, class_B[:, None])[:, 0], slope)

    def _answers(self, x_BX: Tensor) -> Tensor:
        return self.model.probabilities(x_BX.view(-1, *self.model.image_shape))

    def _differences(self, x_BX: Tensor, class_B: Tensor, chosen_BJ: Tensor) -> Tensor:
        """Slopes at the chosen pixels [B, J], of 2 B J images in one query."""
        value_BJ = x_BX.gather(1, chosen_BJ)
        sides_2BJ = torch.stack([(value_BJ + self.h).clamp(max=1), (value_BJ - self.h).clamp(min=0)])
        asked_2BJX = x_BX[None, :, None].expand(2, -1, self.J, -1).clone()
        asked_2BJX.scatter_(3, chosen_BJ[None, :, :, None].expand(2, -1, -1, -1), sides_2BJ[..., None])
        p_NK = self._answers(asked_2BJX.flatten(0, 2))
        log_p_NK = p_NK.clamp_min(torch.finfo(p_NK.dtype).tiny).log()
        class_N = class_B[None, :, None].expand(2, -1, self.J).flatten()
        up_BJ, down_BJ = objective(log_p_NK, class_N, self.loss).view_as(sides_2BJ)
        slope_BJ: Tensor = (up_BJ - down_BJ) / (sides_2BJ[0] - sides_2BJ[1])
        return slope_BJ


class OutputChangeZoo(Attack[View[BlackBox, BlackBox]]):
    """Black boxes before and after, no data: as OutputChange, with probes made from answers alone (Hu et al. 2024).

    Each step asks the model before about both sides of `coordinates` pixels of every probe that it is not yet sure of;
    both models are then asked about the probes that are used.

    Args:
        probes, used, steps, lr, lr_sure, accept, restarts, loss: how probes are made (`adversary.probes.ProbeSearch`).
        coordinates: pixels of a probe that one step moves, drawn at random; all where there are no more.
        h: how far from a pixel's value it is asked about, in [0, 1].
    """

    version = 1
    threat = ThreatModel(target=Access.BLACK, original=Access.BLACK)
    evidence = ProbeChanges

    def __init__(
        self,
        *,
        probes: int,
        used: int,
        steps: int,
        coordinates: int,
        h: float,
        lr: float,
        lr_sure: float,
        accept: float,
        restarts: int,
        loss: Loss,
    ) -> None:
        require(coordinates >= 1, "attack.coordinates", coordinates, "at least 1")
        require(0 < h <= 0.5, "attack.h", h, "above 0 and at most 0.5")
        self.coordinates, self.h = coordinates, h
        self.search = ProbeSearch(
            probes=probes,
            used=used,
            steps=steps,
            lr=lr,
            lr_sure=lr_sure,
            accept=accept,
            restarts=restarts,
            loss=loss,
        )

    def __call__(self, view: View[BlackBox, BlackBox], generator: torch.Generator) -> ProbeChanges:
        """The change of entry t on each probe of class t, [K, used, 1]; smaller is more likely forgotten."""
        before, after, asked_before = view.original, view.target, view.queries
        K, count = before.num_classes, before.num_classes * self.search.probes
        look = Queries(before, count, self.search.loss, coordinates=self.coordinates, h=self.h, generator=generator)
        found = self.search.find(look, K, look.pixels, generator, device=before.device, at_once=count)
        p_NK = after.probabilities(found.x_KUX.reshape(-1, *after.image_shape))
        return changes(found, p_NK, view.queries - asked_before)

"""output_change: what the model before was sure of and the model after is not, on probes made by gradients."""

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.probes import AT_ONCE, Look, Loss, ProbeSearch, Seen, changes, objective
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import require


def by_gradients(model: WhiteBox, loss: Loss) -> Look:
    """Looks at images through a white box: every pixel's slope is known."""

    def look(x_BX: Tensor, class_B: Tensor, place_B: Tensor) -> Seen:
        x_BX = x_BX.detach().requires_grad_(True)
        images_BCHW = model.normalize(x_BX.view(-1, *model.image_shape))
        # The colours last: with them first, the gradient of a first layer with few of them takes several times as long.
        log_p_BK = model.logits(images_BCHW.clone(memory_format=torch.channels_last)).log_softmax(1)
        objective_B = objective(log_p_BK, class_B, loss)

        def slope(rows_B: Tensor) -> tuple[Tensor, None]:
            (slope_BX,) = torch.autograd.grad(objective_B[rows_B].sum(), x_BX)
            return slope_BX[rows_B], None

        return Seen(log_p_BK.detach().gather(1, class_B[:, None])[:, 0].exp(), slope)

    return look


class OutputChange(Attack[View[WhiteBox, WhiteBox]]):
    """White boxes before and after, no data: how the answers to probes changed (Hu et al. 2024, label inference).

    Of every class t probes are made on which the model before is sure of t. D_t is the mean over them of
    softmax f_after - softmax f_before, entry t: a forgotten class's falls. The authors name the K classes of the lowest
    D_t, with K given (`asr_published`); here a screening decides how many there are.

    Args:
        probes, used, steps, lr, lr_sure, accept, restarts, loss: how probes are made (`adversary.probes.ProbeSearch`).
        chunk: how many probes are searched for at once, to bound memory; None takes all, up to `probes.AT_ONCE`.
    """

    version = 1
    threat = ThreatModel(target=Access.WHITE, original=Access.WHITE)
    evidence = ProbeChanges

    def __init__(
        self,
        *,
        probes: int,
        used: int,
        steps: int,
        lr: float,
        lr_sure: float,
        accept: float,
        restarts: int,
        loss: Loss,
        chunk: int | None,
    ) -> None:
        require(chunk is None or chunk >= 1, "attack.chunk", chunk, "at least 1, or null for all at once")
        self.chunk = chunk
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

    def __call__(self, view: View[WhiteBox, WhiteBox], generator: torch.Generator) -> ProbeChanges:
        """The change of entry t on each probe of class t, [K, used, 1]; smaller is more likely forgotten."""
        before, after = view.original, view.target
        K, X = before.num_classes, torch.Size(before.image_shape).numel()
        look = by_gradients(before, self.search.loss)
        at_once = self.chunk or AT_ONCE
        found = self.search.find(look, K, X, generator, device=before.device, at_once=at_once)
        images_NCHW = found.x_KUX.reshape(-1, *before.image_shape)
        with torch.no_grad():
            p_NK = torch.cat([after.logits(after.normalize(part)).softmax(1) for part in images_NCHW.split(at_once)])
        return changes(found, p_NK)

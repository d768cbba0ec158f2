"""How a white box's answers to probes changed from before to after unlearning (Hu et al. 2024, label inference)."""

import torch
from torch import Tensor

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.looks import Look, Loss, Rows, Seen, objective
from unlearnleak.adversary.probes import AT_ONCE, ProbeSearch, changes
from unlearnleak.machine.device import runs_behind


def by_gradients(model: WhiteBox, loss: Loss) -> Look:
    """Looks at images through a white box: every pixel's slope is known."""

    def look(x_BX: Tensor, class_B: Tensor, place_B: Tensor) -> Seen:
        x_BX = x_BX.detach().requires_grad_(True)
        images_BCHW = model.normalize(x_BX.view(-1, *model.image_shape))
        # The colours last: with them first, the gradient of a first layer with few of them takes several times as long.
        log_p_BK = model.logits(images_BCHW.clone(memory_format=torch.channels_last)).log_softmax(1)
        objective_B = objective(log_p_BK, class_B, loss)

        def slope(rows_B: Rows) -> tuple[Tensor, None]:
            (slope_BX,) = torch.autograd.grad(objective_B[rows_B].sum(), x_BX)
            return slope_BX[rows_B], None

        return Seen(log_p_BK.detach().gather(1, class_B[:, None])[:, 0].exp(), slope)

    return look


def probe_changes(
    before: WhiteBox, after: WhiteBox, search: ProbeSearch, generator: torch.Generator, at_once: int = AT_ONCE
) -> ProbeChanges:
    """The change of entry t on each probe of class t, [K, used, 1]; smaller is more likely forgotten."""
    K, X = before.num_classes, torch.Size(before.image_shape).numel()
    look = by_gradients(before, search.loss)
    still = runs_behind(before.device)
    found = search.find(look, K, X, generator, device=before.device, at_once=at_once, still=still)
    images_NCHW = found.x_KUX.reshape(-1, *before.image_shape)
    with torch.no_grad():
        p_NK = torch.cat([after.logits(after.normalize(part)).softmax(1) for part in images_NCHW.split(at_once)])
    return changes(found, p_NK)


def fallen_shares(found: ProbeChanges) -> Tensor:
    """How far the mean answer to each class's probes fell, as a share of all that fell, [K]; all 0 where none did."""
    fall_K = -found.samples_KMF[..., 0].mean(1).clamp(max=0)
    return fall_K / fall_K.sum().clamp(min=torch.finfo(fall_K.dtype).tiny)

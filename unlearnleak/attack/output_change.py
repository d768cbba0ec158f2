"""output_change: what the model before was sure of and the model after is not, on probes made by gradients."""

import torch

from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.changes import probe_changes
from unlearnleak.adversary.evidence import ProbeChanges
from unlearnleak.adversary.looks import Loss
from unlearnleak.adversary.probes import AT_ONCE, ProbeSearch
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.adversary.view import View
from unlearnleak.attack.base import Attack
from unlearnleak.errors import require


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
        return probe_changes(view.original, view.target, self.search, generator, self.chunk or AT_ONCE)

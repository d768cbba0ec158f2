"""Each attack's evidence, with steps as CUDA graphs and without, as `benchmarks.attacks` measures it; within a time."""

import time
from collections.abc import Callable, Iterator

import torch

from benchmarks.attacks import ATTACKS, AUXILIARY, MODELS, K, made, seconds
from benchmarks.gpu.rows import Row
from benchmarks.gpu.steps import looped
from unlearnleak.machine.graphs import allow_graphs

FIRST = ("param_dot", "param_diff", "param_confidence", "aux_confidence", "inversion_gradient", "inversion_genetic")
"""The paper's, and what its tables are read off."""
QUICK, REPEATS = 1.5, 3
"""An attack of fewer seconds is repeated; a longer one counts once, its warm-up included."""


def every_attack() -> list[str]:
    return [*FIRST, *(name for name in ATTACKS if name not in FIRST)]


def rows(name: str, device: torch.device, budget: float) -> Iterator[Callable[[], Row]]:
    """Two rows for each attack, until the time is used up."""
    deadline = time.monotonic() + budget
    left = [(attack, allowed) for attack in every_attack() for allowed in (True, False)]
    while left and time.monotonic() < deadline:
        attack, allowed = left.pop(0)
        yield lambda attack=attack, allowed=allowed: row(name, attack, device, allowed)  # type: ignore[misc]
    if left:
        why = f"left out, the time is used up (--attack-seconds): {', '.join(sorted({attack for attack, _ in left}))}"
        yield lambda: Row("attacks", name, f"{len(left)} more", (), "s", note=why)


def features_row(name: str, device: torch.device) -> Row:
    """A pass over the attacker's samples: what attacks on one target repeat on a GPU (`adversary/remembered.py`)."""
    model, shape = made(name, 0, device), MODELS[name][1]
    images_NCHW = torch.randint(256, (K * AUXILIARY, *shape), dtype=torch.uint8).to(device)

    @torch.inference_mode()
    def passed() -> None:
        model.features(model.normalize(images_NCHW))

    values = tuple(each / 1000 for each in looped(passed, device, budget=0.2))
    return Row("attacks", name, "features of the attacker's samples", values, "s")


def row(name: str, attack: str, device: torch.device, allowed: bool) -> Row:
    """One attack with graphs, or without."""
    graphs = f"{attack}, graphs"
    try:
        first = seconds(attack, name, device, graphs=allowed)
        again = range(REPEATS if first <= QUICK else 0)
        values = tuple(seconds(attack, name, device, graphs=allowed) for _ in again) or (first,)
    finally:
        allow_graphs(True)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
    way = graphs if allowed else f"{attack}, runtime.cuda_graphs=false"
    return Row("attacks", name, way, values, "s", floor=None if allowed else graphs)

"""Each attack's evidence, with loops as CUDA graphs and without: seconds on a model that forgot one class.

Random images of the data sets' shapes, one epoch of training: what an attack costs does not depend on what it finds.
What attackers train before (shadow models) is a stage of its own and not counted.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import unlearnleak.runs.resolvers  # noqa: F401  (of what conf/ refers to)
from benchmarks.gpu.rows import Row
from benchmarks.training import SHAPES, made_up
from unlearnleak.config.folder import config_folder
from unlearnleak.machine.graphs import allow_graphs
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline

FIRST = ("param_dot", "param_diff", "param_confidence", "aux_confidence", "inversion_gradient", "inversion_genetic")
"""The paper's, and what its tables are read off."""
LEFT_OUT = ("shadow_answers", "shadow_weights", "gradient_matching_exact")
"""Trainings rather than loops of their own, or the loop of another attack."""
TRAIN, TEST = 5120, 512
QUICK, REPEATS = 1.5, 3
"""An attack of fewer seconds is repeated; a longer one counts once."""


def every_attack() -> list[str]:
    names = sorted(path.stem for path in Path(config_folder(), "attack").glob("*.yaml"))
    return [*FIRST, *(name for name in names if name not in (*FIRST, *LEFT_OUT))]


class Bench:
    """Attacks on one stored model."""

    def __init__(
        self, folder: Path, name: str, device: str, *told: str, sizes: tuple[int, int] = (TRAIN, TEST)
    ) -> None:
        train, test = made_up(SHAPES[name], *sizes)
        arrays = {}
        for part, data in (("train", train), ("test", test)):
            images = data.images.permute(0, 2, 3, 1)
            arrays[f"{part}_images"] = (images[..., 0] if images.shape[-1] == 1 else images).numpy()
            arrays[f"{part}_labels"] = data.labels.numpy()
        path = folder / f"{name}.npz"
        np.savez(path, **arrays)  # type: ignore[arg-type]
        self.fresh, self.overrides = (
            0,
            [
                *("dataset=npz", f"dataset.path={path}", f"model={name}", "logger=none", "training.epochs=1", *told),
                *(f"store={folder / f'store-{name}'}", f"runtime.device={device}", "runtime.checkpoint_seconds=null"),
            ],
        )

    def seconds(self, attack: str) -> float:
        """The evidence stage, computed anew."""
        self.fresh += 1
        GlobalHydra.instance().clear()
        words = [*self.overrides, f"attack={attack}", f"seeds.attack={self.fresh}"]
        with initialize_config_dir(str(config_folder()), version_base="1.3"):
            pipeline = Pipeline(make_plan(compose("config", overrides=words)))
        evidence = pipeline.artifact("evidence")
        assert not evidence.hit
        return float(evidence.meta["seconds"])

    def several(self, attack: str) -> tuple[float, ...]:
        """Seconds beyond the first time, where that is short."""
        first = self.seconds(attack)
        return (first,) if first > QUICK else tuple(self.seconds(attack) for _ in range(REPEATS))


def rows(name: str, device: str, budget: float) -> Iterator[Callable[[], Row]]:
    """Two rows for each attack, until the time is used up."""
    deadline = time.monotonic() + budget
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), name, device)
        left = [(attack, allowed) for attack in every_attack() for allowed in (True, False)]
        while left and time.monotonic() < deadline:
            attack, allowed = left.pop(0)
            yield lambda attack=attack, allowed=allowed: row(bench, name, attack, allowed)  # type: ignore[misc]
    if left:
        why = f"left out, the time is used up (--attack-seconds): {', '.join(sorted({attack for attack, _ in left}))}"
        yield lambda: Row("attacks", name, f"{len(left)} more", (), "s", note=why)


def row(bench: Bench, name: str, attack: str, allowed: bool) -> Row:
    """One attack with graphs, or without."""
    graphs = f"{attack}, graphs"
    way = graphs if allowed else f"{attack}, runtime.cuda_graphs=false"
    allow_graphs(allowed)
    try:
        values = bench.several(attack)
    finally:
        allow_graphs(True)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
    return Row("attacks", name, way, values, "s", floor=None if allowed else graphs)

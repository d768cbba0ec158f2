"""Where a sweep's time goes, and how far that is from the limit: python -m benchmarks.stages [RUNS...]

Every kind of stage is run once by itself, on the digits repeated until there are 12,800 images of MNIST's shape, with
MNIST's recipes (one epoch for originals and retraining) and each attack's own settings:

- kernels: PyTorch's operators' share of the time under torch.profiler, which makes everything else look larger
- limit: the multiplications and additions of matrix products and convolutions (torch.utils.flop_counter), over the rate
  of a large matrix product here, as a share of the CPU time without a profiler. Pooling, softmax and the like count as
  nothing, so no program can reach it.

With RUNS (folders, or a CSV as docs/results.py writes it, such as docs/results/mnist.csv) also the seconds that each
kind of stage took in them, one line per kind, each model and each evidence once, whoever asked for it.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.race import machine
from unlearnleak.analysis.names import ATTACKS
from unlearnleak.config.folder import config_folder
from unlearnleak.dataset.digits import Digits
from unlearnleak.machine.seeds import generator
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.runs.loading import load_runs

TRAIN, TEST, SIDE, ROUNDS = 12_800, 2_000, 2048, 5
UNLEARNERS = ("rt", "ft", "rl", "au", "ng")
Run = dict[str, Any]


class Cost(NamedTuple):
    """One stage: CPU seconds, the share of its profiled time that is in kernels, its least possible CPU seconds."""

    seconds: float
    kernels: float
    limit: float


def rate() -> float:
    """Multiplications and additions a second in a product of two large matrices, the best of some rounds."""
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        a @ b
        best = min(best, time.process_time() - start)
    return 2 * SIDE**3 / best


def stand_in(path: Path) -> None:
    """Digits repeated to TRAIN and TEST images, as dataset.path reads them."""
    source = Digits(root=None, path=None, auxiliary_per_class=0, test_per_class=20, train_limit=None)
    splits = source.splits(generator(0, "data"))
    arrays = {}
    for name, part, size in (("train", splits.train, TRAIN), ("test", splits.test, TEST)):
        index = torch.arange(size) % len(part)
        arrays[f"{name}_images"] = part.images[index, 0].numpy()
        arrays[f"{name}_labels"] = part.labels[index].numpy()
    np.savez(path, **arrays)  # type: ignore[arg-type]


class Everywhere:
    """Stands in for the counter's search for modules, which forbids torch.autograd.grad."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Operations(FlopCounterMode):
    """Counts the operations of everything, whichever module it belongs to."""

    def __init__(self) -> None:
        super().__init__(display=False)
        self.mod_tracker = Everywhere()


class Bench:
    """Computes stages of one data set in one store, every time anew: each with a seed that was not used before."""

    def __init__(self, folder: Path, rate: float) -> None:
        stand_in(folder / "stand_in.npz")
        self.folder, self.rate, self.fresh = folder, rate, 0

    def stage(self, name: str, seed: str, *told: str) -> Cost:
        """What `name` of a job costs with these settings; `seed` is what makes it anew."""
        run = self.ready(name, seed, *told)
        start = time.process_time()
        run()
        took = time.process_time() - start
        run = self.ready(name, seed, *told)
        with Operations() as counter:
            run()
        run = self.ready(name, seed, *told)
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            start = time.perf_counter()  # the clock of the profiler
            run()
            profiled = time.perf_counter() - start
        events = profiler.key_averages()
        kernels = sum(event.self_cpu_time_total for event in events if event.key.startswith("aten::")) / 1e6
        return Cost(took, kernels / profiled, counter.get_total_flops() / self.rate)

    def ready(self, name: str, seed: str, *told: str) -> Callable[[], object]:
        """The stage with a new seed, all that comes before it computed and the images loaded."""
        self.fresh += 1
        pipeline = self.pipeline(*told, f"{seed}={self.fresh}")
        pipeline.plan.resident  # noqa: B018  (loads them)
        for earlier in ("data", "original", "unlearned", "evidence"):
            if earlier == name:
                break
            pipeline.artifact(earlier)
        return getattr(pipeline, name)  # type: ignore[no-any-return]

    def pipeline(self, *told: str) -> Pipeline:
        path = self.folder / "stand_in.npz"
        overrides = [
            *("dataset=mnist", f"dataset.path={path}", "training.epochs=1", "logger=none", "forget_classes=[3]"),
            *(f"store={self.folder / 'store'}", "runtime.device=cpu", "runtime.checkpoint_seconds=null"),
        ]
        with initialize_config_dir(str(config_folder()), version_base=None):
            return Pipeline(make_plan(compose("config", overrides=[*overrides, *told])))


def costs(bench: Bench) -> dict[str, Cost]:
    """Every kind of stage by name."""
    found = {
        "original": bench.stage("original", "seeds.original"),
        "original, ledgers": bench.stage("original", "seeds.original", "unlearner=au"),
    }
    for name in UNLEARNERS:
        found[f"unlearned {name}"] = bench.stage("unlearned", "seeds.unlearning", f"unlearner={name}")
    for name in ATTACKS:
        found[f"evidence {name}"] = bench.stage("evidence", "seeds.attack", f"attack={name}")
    return found


def spent(runs: list[Run]) -> dict[str, list[float]]:
    """Seconds of each stage of each kind in these runs; what several runs share counts once."""
    seen: dict[str, dict[Any, float]] = defaultdict(dict)
    for run in runs:
        ledgers = run["unlearner"] == "au"
        seen["original, ledgers" if ledgers else "original"][run["key_original"]] = run["seconds_original"]
        if run["forgotten"]:
            seen[f"unlearned {run['unlearner']}"][run["key_unlearned"]] = run["seconds_unlearned"]
        evidence = run["key_unlearned"], run["seeds"]["attack"]
        seen[f"evidence {run['attack']}"][evidence] = run["seconds_evidence"]
    return {kind: list(each.values()) for kind, each in seen.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description="Where a sweep's time goes.")
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs or CSVs: the stages' seconds in them too")
    parser.add_argument("--classes", type=int, help="of these runs only those that forgot so many classes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speed = rate()
    print(f"{machine()}; {speed / 1e9:.0f} GFLOP/s in a product of two {SIDE} x {SIDE} matrices")
    with tempfile.TemporaryDirectory() as folder:
        found = costs(Bench(Path(folder), speed))
    runs = [run for run in load_runs(options.runs) if run["status"] == "done"] if options.runs else []
    chosen = [run for run in runs if options.classes in (None, len(run["forgotten"]))]
    took = spent(chosen)
    whole = sum(map(sum, took.values()))
    more = f"{'stages':>9}{'minutes':>9}{'share':>8}" if took else ""
    print(f"{'stage':30}{'CPU s':>8}{'kernels':>9}{'limit':>7}{more}")
    for kind, cost in found.items():
        line = f"{kind:30}{cost.seconds:8.2f}{cost.kernels:9.0%}{cost.limit / cost.seconds:7.0%}"
        if each := took.get(kind):
            line += f"{len(each):9}{sum(each) / 60:9.1f}{sum(each) / whole:8.1%}"
        print(line)
    if took:
        parts = [(sum(each) / whole, found[kind]) for kind, each in took.items()]
        kernels = sum(share * cost.kernels for share, cost in parts)
        limit = sum(share * cost.limit / cost.seconds for share, cost in parts)
        print(f"{'all, weighted by minutes':30}{'':8}{kernels:9.0%}{limit:7.0%}{'':9}{whole / 60:9.1f}")


if __name__ == "__main__":
    main()

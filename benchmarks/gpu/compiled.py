"""torch.compile of the network: what its compilation takes, and what a step takes then."""

import time
from collections.abc import Callable, Iterator

import torch
from torch.nn.functional import cross_entropy

from benchmarks.gpu.rows import Row
from benchmarks.gpu.steps import looped, wait, work
from benchmarks.training import BATCH

MODES = ("default", "reduce-overhead")


def rows(name: str, device: torch.device) -> Iterator[Callable[[], Row]]:
    """Per mode: the seconds until the third step is done, and ms a step from then on."""
    for mode in MODES:
        took: list[float] = []

        def measured(mode: str = mode, took: list[float] = took) -> Row:
            torch._dynamo.reset()
            task = work(name, 16, device)
            model = task.model().to(device).train()
            network = torch.compile(model, mode=mode)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=device.type == "cuda")
            images, labels = model.normalize(task.train.images[:BATCH]), task.train.labels[:BATCH]

            def step() -> None:
                optimizer.zero_grad()
                cross_entropy(network(images), labels).backward()
                optimizer.step()

            start = time.perf_counter()
            for _ in range(3):
                step()
            wait(device)
            took.append(time.perf_counter() - start)
            return Row("compile", name, f"torch.compile, {mode}", tuple(looped(step, device)))

        yield measured
        yield lambda mode=mode, took=took: Row("compile", name, f"compilation, {mode}", tuple(took), "s")  # type: ignore[misc]

"""torch.compile of the network: what its compilation takes, what a step takes then, and when that pays.

What it is held against is what the product does: the whole step captured as one CUDA graph.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy

from benchmarks.gpu.rows import Row
from benchmarks.gpu.steps import captured, looped, wait, work
from benchmarks.training import BATCH
from unlearnleak.machine.graphs import Step

FLOOR = "captured whole step, fp32"


class Took(NamedTuple):
    """Seconds until a way's third step is done, its compilation or capture included, and ms a step from then on."""

    ready: float
    step: float


def break_even(way: Took, floor: Took) -> int | None:
    """After how many steps a way has taken less time than the floor in all; None for never."""
    if way.step >= floor.step:
        return 0 if way.step == floor.step and way.ready < floor.ready else None
    return max(0, math.ceil(1000 * (way.ready - floor.ready) / (floor.step - way.step)))


def compiled(name: str, device: torch.device, mode: str) -> Step:
    """A step by itself, launched by Python, whose network torch.compile has made."""
    task = work(name, 16, device)
    model = task.model().to(device).train()
    network = torch.compile(model, mode=mode)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=device.type == "cuda")
    images, labels = model.normalize(task.train.images[:BATCH]), task.train.labels[:BATCH]

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(network(images), labels).backward()
        optimizer.step()

    return step


def ways(name: str, device: torch.device) -> dict[str, Callable[[], Step]]:
    """What makes each way's step, the floor first."""
    return {
        FLOOR: lambda: captured(work(name, 16, device)),
        "torch.compile, default": partial(compiled, name, device, "default"),
        "torch.compile, reduce-overhead": partial(compiled, name, device, "reduce-overhead"),
        "compiled and captured": lambda: captured(work(name, 16, device), compiled=True),
    }


def rows(name: str, device: torch.device) -> Iterator[Callable[[], Row]]:
    """Per way: ms a step, the seconds until the third step is done, and when it pays."""
    took: dict[str, Took] = {}
    for way, make in ways(name, device).items():
        yield partial(timed, name, device, way, make, took)
        yield partial(ready, name, way, took)
        if way != FLOOR:
            yield partial(pays, name, way, took)


@cache
def opened(device: torch.device) -> None:
    """Once a process: what the first way would pay for all, which is CUDA's libraries and the compiler itself."""
    tensor = torch.ones(8, 8, device=device, requires_grad=True)
    torch.compile(lambda x: (x @ x).sum())(tensor).backward()
    convolution = torch.nn.Conv2d(3, 8, 3).to(device)
    convolution(torch.ones(2, 3, 8, 8, device=device)).sum().backward()
    wait(device)


def timed(name: str, device: torch.device, way: str, make: Callable[[], Step], took: dict[str, Took]) -> Row:
    """ms a step; notes in `took` what the rows that follow tell."""
    opened(device)
    torch._dynamo.reset()
    start = time.perf_counter()
    step = make()
    for _ in range(3):
        step()
    wait(device)
    seconds = time.perf_counter() - start
    values = tuple(looped(step, device))
    took[way] = Took(seconds, statistics.median(values))
    return Row("compile", name, way, values, floor=None if way == FLOOR else FLOOR)


def ready(name: str, way: str, took: dict[str, Took]) -> Row:
    """Seconds until the third step."""
    values = (took[way].ready,) if way in took else ()
    return Row("compile", name, f"{way}: ready", values, "s", note="" if values else "it failed")


def pays(name: str, way: str, took: dict[str, Took]) -> Row:
    """The steps after which a way has made up for its compilation against the captured step."""
    title = f"{way}: pays after"
    if way not in took or FLOOR not in took:
        return Row("compile", name, title, (), "steps", note="not known: it or the captured step failed")
    steps = break_even(took[way], took[FLOOR])
    if steps is None:
        return Row("compile", name, title, (), "steps", note="never: the captured step is as fast")
    return Row("compile", name, title, (float(steps),), "steps")

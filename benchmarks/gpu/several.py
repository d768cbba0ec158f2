"""Several models on one GPU at once: in processes, with MPS and without, and on streams of one process.

The processes are forked once and stay; a round lets some of them train through `fit` at the same time, and counts the
steps of all in the time in which all were at it, beyond what each needs to set up and capture.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from benchmarks.gpu.rows import Row
from benchmarks.gpu.steps import Ends, capture_always, captured, looped, train, wait, work
from unlearnleak.machine.device import resolve_device
from unlearnleak.machine.graphs import Step, allow_graphs
from unlearnleak.machine.printable import first_line
from unlearnleak.sweep.pool import mps

ROUNDS = {("resnet18", "bf16"): (4, 8), ("resnet18", "fp32"): (8,), ("lenet", "fp32"): (8,)}
"""How many processes at once are tried, by model and precision."""
STREAMS = {("resnet18", "fp32"): (4,), ("resnet18", "bf16"): (4, 12), ("lenet", "fp32"): (4, 12)}
STEPS = {"lenet": 192, "resnet18": 48}
SECONDS, PATIENCE = 2.0, 60.0
"""How long a round runs, and how long a process may take to be ready."""
GOAL = 0.8
FOREVER = 100_000
Rounds = Mapping[tuple[str, str], Sequence[int]]


class Clocked(Ends):
    """Notes when each epoch ended; waits for the others behind the first, and stops after a while."""

    captured = True

    def __init__(self, device: torch.device, others: Any, window: float) -> None:
        super().__init__(device)
        self.others, self.window = others, window

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        wait(self.device)
        if not self.ends:
            self.others.wait(PATIENCE)
        self.ends.append(time.perf_counter())  # of the machine, the same in all processes
        trainer.should_stop = self.ends[-1] - self.ends[0] > self.window


def throughput(ends: Sequence[Sequence[float]], steps: int) -> float:
    """ms a model's step: the time in which all processes were at it over the steps of all in it.

    Args:
        ends: of each process, when each epoch of `steps` steps ended, from the first on.
    """
    begin, end = max(each[0] for each in ends), min(each[-1] for each in ends)
    done = sum(float(np.diff(np.interp([begin, end], each, np.arange(len(each)) * steps))[0]) for each in ends)
    return 1000 * (end - begin) / done


def serve(channel: Connection, barriers: Mapping[int, Barrier], environment: Mapping[str, str], device: str) -> None:
    """In a process: for each (model, precision, how many in all) train for a while, and answer when epochs ended."""
    import os  # noqa: PLC0415

    os.environ.update(environment)
    torch.set_num_threads(1)
    allow_graphs(True)
    capture_always()
    while True:
        try:
            name, precision, count, window, steps = channel.recv()
        except EOFError:  # nobody asks any more
            return
        try:
            task = work(name, steps, resolve_device(device), precision)
            clocked = Clocked(task.train.labels.device, barriers[count], window)
            train(task, FOREVER, lambda: [clocked])  # noqa: B023
            channel.send(clocked.ends)
        except Exception as error:
            barriers[count].abort()
            channel.send(f"{type(error).__name__}: {first_line(error)}")


class Crew:
    """Processes that train together."""

    def __init__(
        self, context: ForkServerContext, environment: Mapping[str, str], device: str, counts: Sequence[int]
    ) -> None:
        self.barriers = {count: context.Barrier(count) for count in counts}  # kept: they go with their last owner
        self.channels, self.processes = [], []
        for _ in range(max(counts)):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=serve, args=(theirs, self.barriers, dict(environment), device), daemon=True
            )
            process.start()
            theirs.close()
            self.channels.append(ours)
            self.processes.append(process)

    def round(
        self, name: str, precision: str, count: int, *, window: float = SECONDS, steps: int | None = None
    ) -> float:
        """ms a model's step of so many processes at once, in epochs of so many steps."""
        steps = steps or STEPS[name]
        chosen = self.channels[:count]
        for channel in chosen:
            channel.send((name, precision, count, window, steps))
        deadline, answers = time.monotonic() + 2 * PATIENCE, []
        for channel in chosen:
            if not channel.poll(max(0.0, deadline - time.monotonic())):
                raise RuntimeError(f"a process has not answered within {2 * PATIENCE:g} seconds")
            answers.append(channel.recv())
        if wrong := [answer for answer in answers if isinstance(answer, str)]:
            raise RuntimeError(next((each for each in wrong if "BrokenBarrier" not in each), wrong[0]))
        return throughput(answers, steps)

    def end(self) -> None:
        for channel in self.channels:
            channel.close()
        for process in self.processes:
            process.kill()
            process.join()


def processes(context: ForkServerContext, device: str, rounds: Rounds = ROUNDS) -> Iterator[Row]:
    """Rows of processes that share the GPU by turns, and of such that share it by MPS."""
    for way in ("by turns", "MPS"):
        service = None
        try:
            service = mps.start() if way == "MPS" else None
        except mps.NoMps as why:
            yield Row("several", "all", "processes with MPS", (), note=f"not here: {why}")
            return
        crew = Crew(
            context,
            service.environment if service else {},
            device,
            sorted({n for each in rounds.values() for n in each}),
        )
        try:
            for (name, precision), counts in rounds.items():
                for count in counts:
                    goal = GOAL if name == "resnet18" and count > 1 and way == "MPS" else None
                    title = f"{count} processes {way}, fit, {precision}, a model"
                    try:
                        yield Row("several", name, title, (crew.round(name, precision, count),), goal=goal)
                    except (RuntimeError, EOFError, OSError) as error:
                        yield Row("several", name, title, (), goal=goal, note=str(error) or type(error).__name__)
                        return
        finally:
            crew.end()
            if service:
                service.stop()


def streams(name: str, precision: str, count: int, device: torch.device) -> Row:
    """Captured steps of so many models, each on a stream of its own."""
    steps = [captured(work(name, 16, device, precision)) for _ in range(count)]
    goal = GOAL if name == "resnet18" else None
    title = f"{count} streams of one process, captured, {precision}, a model"
    return Row("several", name, title, tuple(looped(together(steps, device), device, models=count)), goal=goal)


def together(steps: Sequence[Step], device: torch.device) -> Step:
    """One step of every model at the same time."""
    if device.type != "cuda":
        return lambda: [step() for step in steps] and None
    places = [torch.cuda.Stream(device) for _ in steps]

    def all_of_them() -> None:
        for step, place in zip(steps, places, strict=True):
            with torch.cuda.stream(place):
                step()

    return all_of_them


def rows(device: torch.device) -> Iterator[Callable[[], Row]]:
    """What one process can do."""
    for (name, precision), counts in STREAMS.items():
        for count in counts:
            yield lambda name=name, precision=precision, count=count: streams(name, precision, count, device)  # type: ignore[misc]

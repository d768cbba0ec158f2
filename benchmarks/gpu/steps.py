"""Steps of training: through `fit`, in a bare loop, and captured whole as the floor; one model alone.

`fit` is timed from the end of its first epoch on: setting up and capture are left out, and the rest of an epoch
(the curve, the accuracy on a few test images) is counted.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from benchmarks.gpu.rows import Row
from benchmarks.training import BATCH, SHAPES, Task, made_up, task
from benchmarks.usual import textbook_lenet
from unlearnleak.machine import graphs
from unlearnleak.machine.graphs import State, Step, allow_graphs, repeated
from unlearnleak.machine.seeds import generator
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit

REPEATS, TRIAL, FEWEST, MOST, TEST = 3, 24, 24, 384, 256
"""Medians of so many; steps of the first trial, and the fewest and most of an epoch; images of a test set."""
GOALS = {("lenet", "fp32"): 0.45, ("resnet18", "fp32"): 2.6, ("resnet18", "bf16"): 2.1}
LEDGER_GOAL = 3.0
VMAPPED = (20, 100)

Callbacks = Callable[[], Sequence[pl.Callback]]


def work(name: str, steps: int, device: torch.device, precision: str = "fp32") -> Task:
    """A training of random images with so many steps an epoch, all on the device."""
    images, test = (part.to(device) for part in made_up(SHAPES[name], steps * BATCH, TEST))
    base = task(name, epochs=1)
    recipe = replace(base.optimization, precision=precision, steps_per_epoch=steps)
    return Task(name, images, test, recipe)


def train(work: Task, epochs: int, callbacks: Callbacks = tuple) -> None:
    """Through the project's own `fit`."""
    model = work.model().to(work.train.labels.device)
    how = replace(work.optimization, epochs=epochs)
    draw = generator(0, "batches")
    fit(model, work.train, how, test=work.test, generator=draw, label="benchmark", callbacks=callbacks())


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """How long a call takes until the device has done it."""
    wait(device)
    start = time.perf_counter()
    run()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Ends(pl.Callback):
    """Notes when each epoch ended on the device."""

    captured = True
    """It asks nothing within a step, so steps may be captured (`unlearnleak.training.captured`)."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.ends = device, list[float]()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        wait(self.device)
        self.ends.append(time.perf_counter())


def fitted(
    name: str, device: torch.device, more: Callbacks = tuple, *, precision: str = "fp32", budget: float = 0.4
) -> list[float]:
    """ms a step of `fit` from the end of its first epoch on, `REPEATS` times, each with about `budget` seconds."""
    step = beyond_first(work(name, TRIAL, device, precision), 3, more)
    steps, epochs = sizes(max(step, 1e-5), budget)
    whole = work(name, steps, device, precision)
    return [1000 * beyond_first(whole, 1 + epochs, more) for _ in range(REPEATS)]


def beyond_first(work: Task, epochs: int, more: Callbacks = tuple) -> float:
    """Seconds a step takes in all epochs but the first."""
    ends = Ends(work.train.labels.device)
    train(work, epochs, lambda: [*more(), ends])
    return (ends.ends[-1] - ends.ends[0]) / ((epochs - 1) * work.optimization.steps_per_epoch)


def sizes(step: float, budget: float) -> tuple[int, int]:
    """Steps an epoch, and epochs beyond the first, for steps of so many seconds."""
    steps = min(MOST, max(FEWEST, int(budget / step)))
    return steps, min(20, max(1, round(budget / (step * steps))))


def bare(work: Task, steps: int) -> None:
    """A plain loop over the same resident tensors: PyTorch's eager mode without anything of ours."""
    model = work.model().to(work.train.labels.device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    images, labels = work.train.images, work.train.labels
    order_SB = torch.arange(len(labels), device=labels.device).view(-1, BATCH)
    for number in range(steps):
        index_B = order_SB[number % len(order_SB)]
        loss = cross_entropy(model(model.normalize(images[index_B])), labels[index_B])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def graphed(work: Task) -> Step:
    """A bare loop's step whose network is two CUDA graphs, of its passes (make_graphed_callables), with fused SGD."""
    device = work.train.labels.device
    model = work.model().to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=device.type == "cuda")
    images, labels = work.train.images, work.train.labels
    order_SB = torch.arange(len(labels), device=device).view(-1, BATCH)
    sample = model.normalize(images[:BATCH])
    network = torch.cuda.make_graphed_callables(model, (sample,)) if device.type == "cuda" else model
    turns = itertools.cycle(order_SB)

    def step() -> None:
        index_B = next(turns)
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(network(model.normalize(images[index_B])), labels[index_B]).backward()
        optimizer.step()

    return step


def captured(work: Task, *, compiled: bool = False) -> Step:
    """A whole step (gather, normalise, forward, backward, fused SGD) as one CUDA graph; on a CPU the step itself.

    With `compiled`, torch.compile has made the kernels of the network.
    """
    device, bf16 = work.train.labels.device, work.optimization.precision == "bf16"
    model = work.model().to(device).train()
    if bf16:
        model.to(memory_format=torch.channels_last)
    fused = device.type == "cuda"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=fused)
    network = torch.compile(model) if compiled else model
    images, labels = work.train.images, work.train.labels
    order_SB = torch.arange(len(labels), device=device).view(-1, BATCH)
    at_1 = torch.zeros(1, dtype=torch.int64, device=device)

    def step() -> None:
        index_B = order_SB.index_select(0, at_1)[0]
        optimizer.zero_grad(set_to_none=False)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            loss = cross_entropy(network(model.normalize(images[index_B])), labels[index_B])
        loss.backward()
        optimizer.step()
        at_1.add_(1).remainder_(len(order_SB))

    def state() -> Iterator[Tensor]:
        yield from (*model.parameters(), *model.buffers(), at_1)
        for kept in optimizer.state.values():
            yield from (value for value in kept.values() if isinstance(value, Tensor))

    return checked(step, state, device, "the benchmark's step")


def checked(step: Step, state: State, device: torch.device, what: str) -> Step:
    """The step as a graph, on a stream of its own: graphs of one capture stream share scratch memory of cuBLAS.

    Fails where a GPU's step was not captured, which `repeated` says in the log only.
    """
    if device.type == "cuda":
        graphs.capture_stream.cache_clear()
    again = repeated(step, state, device, what)
    if device.type == "cuda" and again is step:
        raise RuntimeError("the step could not be captured")
    kept = [step, *state()]  # a graph holds none of the tensors that it reads

    def replay() -> None:
        assert kept
        again()

    return replay


def capture_always() -> None:
    """Let every training of this process be captured: the product launches short ones kernel by kernel."""
    graphs.WORTH = 0


def vmapped(count: int, device: torch.device, steps: int = 16) -> Step:
    """One step of so many LeNets as one program (vmap), captured; plain SGD, each model with batches of its own."""
    nets = [textbook_lenet().to(device) for _ in range(count)]
    weights, _ = stack_module_state(nets)  # type: ignore[arg-type]
    weights = {name: weight.detach().clone() for name, weight in weights.items()}
    base = nets[0]
    data, _ = made_up(SHAPES["lenet"], steps * BATCH, 1)
    x_NCHW, y_N = (data.images.float() / 255).to(device), data.labels.to(device)
    draws_MN = torch.stack([torch.randperm(len(y_N), generator=generator(m, "order")) for m in range(count)]).to(device)
    index_SMB = draws_MN.view(count, steps, BATCH).transpose(0, 1).contiguous()
    at_1 = torch.zeros(1, dtype=torch.int64, device=device)

    def loss(weights: dict[str, Tensor], x_BCHW: Tensor, y_B: Tensor) -> Tensor:
        return cross_entropy(functional_call(base, weights, (x_BCHW,)), y_B)

    slopes = vmap(grad(loss))

    def step() -> None:
        index_MB = index_SMB.index_select(0, at_1)[0]
        found = slopes(weights, x_NCHW[index_MB], y_N[index_MB])
        with torch.no_grad():
            torch._foreach_add_(list(weights.values()), [found[name] for name in weights], alpha=-0.05)
        at_1.add_(1).remainder_(steps)

    return checked(step, lambda: [*weights.values(), at_1], device, "the vmapped step")


def looped(step: Step, device: torch.device, *, models: int = 1, budget: float = 0.4) -> list[float]:
    """ms a step and model of something that is called again and again."""
    count = 8
    seconds(lambda: [step() for _ in range(count)], device)  # warm-up
    one = seconds(lambda: [step() for _ in range(count)], device) / count
    count = min(2000, max(8, int(budget / one)))
    took = [seconds(lambda: [step() for _ in range(count)], device) for _ in range(REPEATS)]
    return [1000 * each / (count * models) for each in took]


def alone(name: str, device: torch.device) -> Iterator[Callable[[], Row]]:
    """Every way of one model's step, the floor first."""
    for precision in ("fp32", "bf16"):
        floor = f"captured whole step, {precision}"

        def captured_row(precision: str = precision, floor: str = floor) -> Row:
            return Row("step", name, floor, tuple(looped(captured(work(name, 64, device, precision)), device)))

        def fit_row(precision: str = precision, floor: str = floor, allowed: bool = True) -> Row:
            allow_graphs(allowed)
            way = f"fit, {precision}" if allowed else "fit, runtime.cuda_graphs=false"
            try:
                values = tuple(fitted(name, device, precision=precision))
            finally:
                allow_graphs(True)
            return Row("step", name, way, values, goal=GOALS.get((name, precision)) if allowed else None, floor=floor)

        yield captured_row
        yield fit_row
        if precision == "fp32":
            yield partial(bare_row, name, device, floor)
            yield partial(graphed_row, name, device, floor)
            yield partial(fit_row, allowed=False)


def bare_row(name: str, device: torch.device, floor: str) -> Row:
    whole = work(name, 32, device)
    bare(whole, 8)
    took = [1000 * seconds(partial(bare, whole, 64), device) / 64 for _ in range(REPEATS)]
    return Row("step", name, "bare loop, kernel by kernel", tuple(took), floor=floor)


def graphed_row(name: str, device: torch.device, floor: str) -> Row:
    values = tuple(looped(graphed(work(name, 32, device)), device))
    return Row("step", name, "bare loop, make_graphed_callables", values, floor=floor)


def vmap_row(count: int, device: torch.device) -> Row:
    values = tuple(looped(vmapped(count, device), device, models=count))
    return Row("several", "lenet", f"{count} models as one vmap program, a model", values)


def ledgers(name: str, device: torch.device) -> Iterator[Callable[[], Row]]:
    """AU's ledger against the same training without it."""

    def plain() -> Row:
        return Row("ledger", name, "fit without a ledger", tuple(fitted(name, device)))

    def kept() -> Row:
        values = tuple(fitted(name, device, lambda: [ClassLedger(10)]))
        return Row("ledger", name, "fit with AU's ledger", values, floor="fit without a ledger", times=LEDGER_GOAL)

    yield plain
    yield kept

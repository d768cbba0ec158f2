"""A step that is repeated many times: on a GPU captured once as a CUDA graph and replayed.

A small network's step is bound by the host, which launches a hundred kernels one after the other; a replay launches
them all at once. What may be captured is a function without arguments that only launches kernels on tensors that stay
where they are: it asks the device nothing (`item`, `nonzero`, `unique`, a copy to the CPU), and what changes from step
to step (a batch's indices, a learning rate) it reads from tensors that the caller writes before each replay, or that
the step itself counts on.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

import torch
from torch import Tensor

log = logging.getLogger(__name__)

WARM_UPS = 3
"""Steps before a capture, in which libraries choose their ways and allocate; their effect is taken back."""

WORTH = 50
"""Fewer repetitions than this cost less than a capture, which is some ten steps and empties the memory's cache."""

Step = Callable[[], None]
State = Callable[[], Iterable[Tensor]]
_allowed = True


def allow_graphs(allowed: bool) -> None:
    """Whether steps are captured at all in this process (`runtime.cuda_graphs`)."""
    global _allowed  # noqa: PLW0603  (like torch.set_num_threads)
    _allowed = allowed


def graphs_allowed() -> bool:
    """What `allow_graphs` said last; true at first."""
    return _allowed


@contextmanager
def taken_back(state: State) -> Iterator[None]:
    """Whatever steps do inside leaves no trace, also where one of them raises.

    What `state` names gets its values again; what it names at the end only, such as an optimiser's momentum that the
    first step made, begins at zero.
    """
    kept = [(tensor, tensor.detach().clone()) for tensor in state()]
    try:
        yield
    finally:
        known = {id(tensor) for tensor, _ in kept}
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)
            for tensor in state():
                if id(tensor) not in known:
                    tensor.zero_()


@cache
def capture_stream(device: int) -> torch.cuda.Stream:
    """Where steps are warmed up and captured: one stream, as cuBLAS keeps 32 MB of scratch memory for each for good.

    Graphs of one stream share that memory. Who replays several at the same time clears this cache before each capture.
    """
    return torch.cuda.Stream(device)


def repeated(step: Step, state: State, device: torch.device, what: str, *, times: int = WORTH) -> Step:
    """The step as something to call again and again: on a GPU the replay of a graph of it, elsewhere the step itself.

    Making it leaves no trace (`taken_back`), also where it fails. A step that cannot be captured, or is repeated too
    seldom, is returned as it is, and one line in the log says why. A graph holds none of the tensors that it reads: who
    repeats the step keeps it, and them.

    Args:
        state: the tensors that a step changes in place and reads again, at the time of the call.
        what: how the log names the step, such as "a training step".
        times: how often it will be repeated, where that is known and may be fewer than `WORTH`.

    Raises:
        torch.OutOfMemoryError: the step does not fit on the device.
    """
    if device.type != "cuda" or not _allowed:
        return step
    if times < WORTH:
        say_once(what, f"it is repeated {WORTH - 1} times or less, which cost less than a capture")
        return step
    with torch.cuda.device(device), taken_back(state):
        chance = torch.cuda.default_generators[torch.cuda.current_device()]
        drawn = chance.clone_state()
        current = torch.cuda.current_stream()
        side = capture_stream(torch.cuda.current_device())
        side.wait_stream(current)
        again = step
        try:
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    step()
            again = _captured(step, what, side)
        finally:
            torch.cuda.set_stream(current)  # a capture that fails leaves its own behind
            current.wait_stream(side)  # before the warm-up's effect is taken back
            if again is step:
                chance.graphsafe_set_state(drawn)  # the generator's own state believes that it is still being captured
            else:
                chance.set_state(drawn.get_state())
    return again


@cache
def say_once(what: str, why: str) -> None:
    """One line in a process's log about steps that are not captured on a GPU, however many attacks repeat them."""
    log.info("%s is launched kernel by kernel: %s", what, why)


def _captured(step: Step, what: str, stream: torch.cuda.Stream) -> Step:
    graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
    try:
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            step()
    except Exception as error:
        _end_of_pool(pool)
        if not isinstance(error, RuntimeError) or isinstance(error, torch.OutOfMemoryError):
            raise
        torch.cuda.synchronize()
        why = str(error.__context__ or error).split("\n")[0]  # the end of a broken capture fails as well
        log.info("%s is launched kernel by kernel: it cannot be captured (%s)", what, why)
        return step
    return graph.replay


def _end_of_pool(pool: tuple[int, int]) -> None:
    """Tell the allocator that a capture which failed has ended.

    PyTorch 2.11 says so only at the end of one that did not. As long as the allocator believes in a capture it gives no
    memory back, neither to `empty_cache` nor where an allocation finds none.
    """
    device = torch.cuda.current_device()
    with suppress(AttributeError, RuntimeError):  # it has been told, or PyTorch has no GPU
        torch._C._cuda_endAllocateToPool(device, pool)
        torch._C._cuda_releasePool(device, pool)

"""A step that is repeated many times: on a GPU captured once as a CUDA graph and replayed.

A small network's step is bound by the host, which launches a hundred kernels one after the other; a replay launches
them all at once. What may be captured is a function without arguments that only launches kernels on tensors that stay
where they are: it asks the device nothing (`item`, `nonzero`, `unique`, a copy to the CPU), and what changes from step
to step (a batch's indices, a learning rate) it reads from tensors that the caller writes before each replay, or that
the step itself counts on.
"""

import logging
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

log = logging.getLogger(__name__)

WARM_UPS = 3
"""Steps before a capture, in which libraries choose their ways and allocate; their effect is taken back."""

Step = Callable[[], None]
_allowed = True


def allow_graphs(allowed: bool) -> None:
    """Whether steps are captured at all in this process (`runtime.cuda_graphs`)."""
    global _allowed  # noqa: PLW0603  (like torch.set_num_threads)
    _allowed = allowed


def graphs_allowed() -> bool:
    """What `allow_graphs` said last; true at first."""
    return _allowed


def repeated(step: Step, state: Callable[[], Iterable[Tensor]], device: torch.device, what: str) -> Step:
    """The step as something to call again and again: on a GPU the replay of a graph of it, elsewhere the step itself.

    Making it leaves no trace: what `state` names is given back its values, and what a step made for itself at first,
    such as an optimiser's momentum, begins at zero. A step that cannot be captured is returned as it is, and one line
    in the log says why.

    Args:
        state: the tensors that a step changes in place and reads again, at the time of the call.
        what: how the log names the step, such as "a training step".

    Raises:
        torch.OutOfMemoryError: the step does not fit on the device.
    """
    if device.type != "cuda" or not _allowed:
        return step
    kept = [(tensor, tensor.detach().clone()) for tensor in state()]
    drawn = torch.cuda.get_rng_state(device)

    def put_back() -> None:
        known = {id(tensor) for tensor, _ in kept}
        with torch.no_grad():
            for tensor, value in kept:
                tensor.copy_(value)
            for tensor in state():
                if id(tensor) not in known:
                    tensor.zero_()
        torch.cuda.set_rng_state(drawn, device)

    with torch.cuda.device(device):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                step()
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            torch.cuda.synchronize()
            put_back()
            log.info("%s is launched kernel by kernel: it cannot be captured (%s)", what, str(error).split("\n")[0])
            return step
        put_back()
    return graph.replay

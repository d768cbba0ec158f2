from contextlib import contextmanager, nullcontext

import pytest
import torch

from tests.recorded import Recorded
from unlearnleak.machine import graphs
from unlearnleak.machine.graphs import WARM_UPS, WORTH, allow_graphs, graphs_allowed, repeated, say_once, taken_back

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


def test_on_a_cpu_the_step_itself_is_repeated():
    total = torch.zeros(())

    def step():
        total.add_(1)

    again = repeated(step, lambda: [total], torch.device("cpu"), "a count")
    assert again is step
    assert total == 0


def test_graphs_are_allowed_until_somebody_says_otherwise():
    assert graphs_allowed()
    allow_graphs(False)
    try:
        assert not graphs_allowed()
    finally:
        allow_graphs(True)


def test_steps_whose_effect_is_taken_back_leave_no_trace():
    weight, momentum = torch.tensor([3.0]), {}

    def step():
        momentum.setdefault("of", torch.zeros(1)).add_(2)
        weight.sub_(momentum["of"])

    with taken_back(lambda: [weight, *momentum.values()]):
        step()
        step()
        assert weight == 3 - 2 - 4
    assert (weight, momentum["of"]) == (3, 0)


class Broken(Exception):
    """What a step may raise."""


def test_steps_that_raise_are_taken_back_too():
    weight, momentum = torch.tensor([3.0]), {}

    def step():
        momentum.setdefault("of", torch.zeros(1)).add_(2)
        weight.sub_(momentum["of"])
        raise Broken

    with pytest.raises(Broken), taken_back(lambda: [weight, *momentum.values()]):
        step()
    assert (weight, momentum["of"]) == (3, 0)


class Stream:
    """Stands for a CUDA stream; `waited` are the streams that it has waited for."""

    def __init__(self):
        self.waited = []

    def wait_stream(self, other):
        self.waited.append(other)


class Cuda:
    """Stands for `torch.cuda` as `repeated` uses it: which stream is current, and the device's chance."""

    def __init__(self):
        self.main, self.side = Stream(), Stream()
        self.current = self.main
        self.default_generators = [self]
        self.state = "as it was"

    def current_device(self):
        return 0

    def current_stream(self):
        return self.current

    def set_stream(self, stream):
        self.current = stream

    def clone_state(self):
        return self.state

    def graphsafe_set_state(self, state):
        self.state = state

    def device(self, _):
        return nullcontext()

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before


@pytest.mark.parametrize("fails_at", [2, WARM_UPS + 1], ids=["warm-up", "capture"])
def test_a_step_that_fails_leaves_weights_stream_and_chance_as_they_were(monkeypatch, fails_at):
    """As out of memory does: on a CPU, where only what is done around the steps is seen."""
    cuda, weight, calls = Cuda(), torch.tensor([3.0]), []

    def step():
        calls.append(cuda.current)
        weight.add_(1)
        cuda.state = "drawn from"
        if len(calls) == fails_at:
            raise torch.OutOfMemoryError

    def capture(step, what, stream):
        cuda.current = stream
        step()

    monkeypatch.setattr(graphs, "_captured", capture)
    monkeypatch.setattr(graphs, "capture_stream", lambda device: cuda.side)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "cuda", cuda)
        with pytest.raises(torch.OutOfMemoryError):
            repeated(step, lambda: [weight], GPU, "a step")
    assert calls == [cuda.side] * fails_at
    assert weight == 3
    assert cuda.current is cuda.main
    assert cuda.main.waited == [cuda.side]
    assert cuda.state == "as it was"


@pytest.mark.parametrize("told", [False, True], ids=["not told", "told by PyTorch"])
@pytest.mark.parametrize("error", [RuntimeError, torch.OutOfMemoryError, Broken])
def test_the_allocator_is_told_of_the_end_of_a_capture_that_failed(monkeypatch, error, told):
    """On a CPU, where only who is called is seen. A pool whose end was known already is not released twice."""
    calls = []

    @contextmanager
    def capture(graph, *, pool, stream, capture_error_mode):
        calls.append(("begin", pool))
        yield

    def end(device, pool):
        calls.append(("end", pool))
        if told:
            raise RuntimeError("no capture is under way")

    def step():
        raise error

    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 7))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", end, raising=False)
    monkeypatch.setattr(
        torch._C, "_cuda_releasePool", lambda device, pool: calls.append(("release", pool)), raising=False
    )
    if error is RuntimeError:
        assert graphs._captured(step, "a step", None) is step
    else:
        with pytest.raises(error):
            graphs._captured(step, "a step", None)
    assert calls == [("begin", (0, 7)), ("end", (0, 7)), *([] if told else [("release", (0, 7))])]


def test_on_a_gpu_one_line_says_that_a_step_is_repeated_too_seldom(caplog):
    def step():
        return None

    say_once.cache_clear()
    caplog.set_level("INFO")
    for device in (CPU, GPU, GPU):
        assert repeated(step, list, device, "a training step", times=WORTH - 1) is step
    told = f"a training step is launched kernel by kernel: it is repeated {WORTH - 1} times or less, which cost less"
    assert caplog.messages == [f"{told} than a capture"]


def test_what_stands_for_a_graph_in_tests_repeats_operations_and_not_python():
    right, wrong, lost = torch.zeros(()), torch.zeros(()), [torch.zeros(())]
    factor = 1.0

    def step():
        nonlocal factor
        factor = factor * 2  # a number of Python's, which a graph holds as it was
        right.add_(1)
        wrong.add_(factor)
        lost[0] = lost[0] + 1  # a name that is bound anew: the graph goes on from the old tensor

    again = Recorded()(step, lambda: [right, wrong], CPU, "a count")
    assert (right, wrong) == (0, 0)
    began = lost[0].item()
    for _ in range(5):
        again()
    assert right == 5
    assert wrong == 5 * factor
    assert lost[0] == began


@pytest.mark.parametrize(
    "question",
    [lambda x: x.item(), lambda x: torch.ones_like(x).nonzero()[:, 0], lambda x: bool(x > 0), lambda x: x[x > 0]],
)
def test_it_refuses_questions_to_the_device(question):
    x = torch.ones(1)
    with pytest.raises(RuntimeError, match="asks the device"):
        Recorded()(lambda: x.copy_(torch.as_tensor(question(x))), lambda: [x], CPU, "a question")


def test_it_refuses_draws():
    x = torch.ones(1)
    with pytest.raises(RuntimeError, match="nothing new: uniform"):
        Recorded()(x.uniform_, lambda: [x], CPU, "a draw")

import pytest
import torch

from tests.recorded import Recorded
from unlearnleak.machine.graphs import allow_graphs, graphs_allowed, repeated, taken_back

CPU = torch.device("cpu")


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

import torch

from unlearnleak.machine.graphs import allow_graphs, graphs_allowed, repeated


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

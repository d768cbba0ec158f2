import pytest
import torch

from unlearnleak.adversary.looks import Moments, objective


def test_the_objectives_are_those_of_the_logits():
    logits_NK = torch.tensor([[1.0, 4.0, 2.0], [3.0, 0.0, 5.0]])
    class_N = torch.tensor([1, 0])
    log_p_NK = logits_NK.log_softmax(1)
    torch.testing.assert_close(objective(log_p_NK, class_N, "margin"), torch.tensor([2.0 - 4.0, 5.0 - 3.0]))
    expected = torch.nn.functional.cross_entropy(logits_NK, class_N, reduction="none")
    torch.testing.assert_close(objective(log_p_NK, class_N, "log"), expected)


@pytest.mark.parametrize("in_place", [False, True])
def test_steps_are_those_of_torchs_adam(in_place):
    draw = torch.Generator().manual_seed(0)
    slopes = [torch.randn(3, 4, generator=draw) for _ in range(5)]
    moments = Moments(torch.zeros(3, 4))
    x_BX, expected = torch.zeros(3, 4), torch.zeros(3, 4, requires_grad=True)
    adam, held = torch.optim.Adam([expected], lr=0.1), [moments.first_BX, moments.second_BX, moments.count_BX]
    for slope_BX in slopes:
        x_BX = x_BX - 0.1 * (moments.step_in_place(slope_BX) if in_place else moments.step(slope_BX, None))
        expected.grad = slope_BX
        adam.step()
    torch.testing.assert_close(x_BX, expected.detach())
    stayed = [
        part is there for part, there in zip(held, (moments.first_BX, moments.second_BX, moments.count_BX), strict=True)
    ]
    assert stayed == [in_place] * 3
    moments.forget()
    torch.testing.assert_close(moments.step(slopes[0], None), slopes[0].sign(), atol=1e-4, rtol=0)

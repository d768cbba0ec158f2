import torch

from unlearnleak.adversary.heads import Heads, initial_heads, train_heads
from unlearnleak.adversary.rivals import against_rivals


def exchanged(heads, first, second):
    """The heads with two classes' rows in each other's place."""
    order = list(range(heads.bias_MK.shape[1]))
    order[first], order[second] = second, first
    return Heads(heads.weight_MKD[:, order], heads.bias_MK[:, order])


def test_it_is_what_a_dot_product_loses_with_the_row_of_the_nearest_rival():
    draw = torch.Generator().manual_seed(0)
    K, M, T, D = 12, 3, 4, 5
    heads = Heads(torch.randn(4 * M, K, D, generator=draw), torch.randn(4 * M, K, generator=draw))
    targets = Heads(torch.randn(T, K, D, generator=draw), torch.randn(T, K, generator=draw))
    of = range(3, 7)
    ours = against_rivals(heads, of, targets)
    assert ours.shape == (T, 4, M)
    for place, c in enumerate(of):
        block = Heads(*(part[place * M : place * M + M] for part in heads)).flat()
        lost = {
            k: targets.flat() @ block.T - exchanged(targets, c, k).flat() @ block.T for k in range(K) if k != c
        }  # [T, M] each
        for t in range(T):
            rival = min(lost, key=lambda k: lost[k][t].mean())
            torch.testing.assert_close(ours[t, place], lost[rival][t], rtol=1e-4, atol=1e-4)


def test_of_trained_heads_it_is_the_margin_over_the_rival_on_their_samples():
    """Class 5's answers go to class 9, and it stays far above the other eighteen."""
    draw = torch.Generator().manual_seed(1)
    phi_MND = torch.randn(1, 20, 8, generator=draw) * 8**-0.5
    labels = torch.full((1, 20), 5)
    heads = train_heads(phi_MND, labels, initial_heads(1, 20, 8, draw), steps=200, lr=5.0)
    weight, bias = torch.zeros(2, 20, 8), torch.full((2, 20), -10.0)
    bias[0, 5] = bias[1, 9] = 4.0
    bias[0, 9] = bias[1, 5] = 0.0  # the second target has unlearned class 5, gently
    read_T = against_rivals(heads, range(5, 6), Heads(weight, bias))[:, 0, 0]
    assert read_T[0] > 0 > read_T[1]
    torch.testing.assert_close(read_T[1], -read_T[0], rtol=0.2, atol=0)
    dots_T = Heads(weight, bias).flat() @ heads.flat()[0]
    assert dots_T[1] > 0.5 * dots_T[0]  # by the mean of the others it reads as before

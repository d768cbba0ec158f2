import torch

from tests.attack.victims import Linear, configured, lowest, retrained, seen
from unlearnleak.adversary.access import WhiteBox


def attack(model):
    return configured("head_sum")(seen(WhiteBox(model)), torch.Generator())


def test_it_is_the_sum_of_each_row_and_its_bias():
    model = Linear()
    expected = [(model.head.weight[c].sum() + model.head.bias[c]).item() for c in range(5)]
    evidence = attack(model)
    assert (evidence.kind, evidence.queries) == ("score", 0)
    torch.testing.assert_close(evidence.samples_KMF, torch.tensor(expected)[:, None, None])


def test_it_ranks_classes_lowest_that_a_network_never_saw():
    for forgotten in ((3,), (8,), (1, 4, 6)):
        score_K = attack(retrained(*forgotten)).samples_KMF[:, 0, 0]
        assert lowest(score_K, len(forgotten)) == set(forgotten)

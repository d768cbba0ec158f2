import pytest
import torch

from unlearnleak.adversary.standard import rows_by_class, standardise


@pytest.fixture
def features():
    """200 x 6 features of very different scales and offsets; the third never moves, the fifth hardly."""
    draw = torch.Generator().manual_seed(0)
    phi = torch.randn(200, 6, generator=draw, dtype=torch.float64)
    scale = torch.tensor([1, 100, 0, 0.5, 0.01, 7.0], dtype=torch.float64)
    offset = torch.tensor([0, 5, 3, -1, 0.2, 50.0], dtype=torch.float64)
    head = torch.randn(4, 6, generator=draw, dtype=torch.float64), torch.randn(4, generator=draw).double()
    return phi * scale + offset, *head


def test_features_have_mean_zero_equal_deviations_and_a_mean_square_norm_of_one(features):
    phi, _, _ = standardise(*features)
    torch.testing.assert_close(phi.mean(0), torch.zeros(6, dtype=torch.float64), atol=1e-12, rtol=0)
    assert phi.square().sum(1).mean().item() == pytest.approx(1)
    alive = phi.std(0, unbiased=False)[[0, 1, 3, 5]]
    torch.testing.assert_close(alive, torch.full_like(alive, 0.5))  # 1 / sqrt(4 features)


def test_features_that_hardly_move_are_left_out_of_features_and_head(features):
    phi, weight, _ = standardise(*features)
    assert (phi[:, [2, 4]] == 0).all()
    assert (weight[:, [2, 4]] == 0).all()


def test_logits_stay_the_same(features):
    raw, weight, bias = features
    raw[:, 4] = 0.2  # dead to the last digit, so that leaving it out loses nothing
    phi, new_weight, new_bias = standardise(raw, weight, bias)
    torch.testing.assert_close(phi @ new_weight.T + new_bias, raw @ weight.T + bias, rtol=1e-9, atol=1e-9)


def test_what_is_left_out_moves_the_logits_by_no_more_than_its_own_deviation(features):
    raw, weight, bias = features
    phi, new_weight, new_bias = standardise(raw, weight, bias)
    lost = phi @ new_weight.T + new_bias - (raw @ weight.T + bias)
    torch.testing.assert_close(lost.std(0, unbiased=False), weight[:, 4].abs() * raw[:, 4].std(unbiased=False))


def test_a_change_of_the_features_units_changes_nothing(features):
    raw, weight, bias = features
    scale = torch.tensor([2, 1, 5, 3, 0.5, 4.0], dtype=torch.float64)
    for ours, theirs in zip(standardise(raw * scale, weight / scale, bias), standardise(*features), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_features_that_never_move_at_all_give_no_nan(features):
    raw, weight, bias = features
    phi, new_weight, new_bias = standardise(raw[:1].expand(50, 6), weight, bias)
    assert (phi == 0).all()
    assert (new_weight == 0).all()
    torch.testing.assert_close(new_bias, weight @ raw[0] + bias)


def test_the_rows_of_each_class_are_those_that_a_mask_names():
    labels_N = torch.randint(6, (50,), generator=torch.Generator().manual_seed(0))
    labels_N[labels_N == 4] = 0  # a class without samples
    rows = rows_by_class(labels_N, 7)
    assert [own_N.tolist() for own_N in rows] == [(labels_N == c).nonzero()[:, 0].tolist() for c in range(7)]
    assert len(rows[4]) == 0

import pytest
import torch

from tests.attack.slow_heads import linear, train_on_features
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.heads import class_subsets, initial_heads
from unlearnleak.attack.base import comparison
from unlearnleak.attack.base.comparison import standardise
from unlearnleak.attack.param_dot import ParameterDotProduct
from unlearnleak.errors import UserError

SETTINGS = {
    "heads": 3,
    "subset_size": 20,
    "steps": 100,
    "lr": 5.0,
    "shadows": 8,
    "shadow_steps": 50,
    "shadow_lr": 0.5,
    "shadow_momentum": 0.9,
    "chunk": None,
}


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


def test_targets_keep_the_targets_logits_and_heads_are_what_sgd_makes_of_the_same_draws(original, digits):
    attack, box = ParameterDotProduct(**SETTINGS), WhiteBox(original.model)
    compared = attack.compare(box, digits.auxiliary, torch.Generator().manual_seed(4))
    with torch.no_grad():
        raw = box.features(box.normalize(digits.auxiliary.images))
        logits = box.logits(box.normalize(digits.auxiliary.images))
    phi, _, _ = standardise(raw, *box.head())
    ours = phi @ compared.targets.weight_MKD[0].T + compared.targets.bias_MK[0]
    assert (ours - logits).abs().max() < 0.02 * logits.std()  # what features below DEAD carried

    draw, labels = torch.Generator().manual_seed(4), digits.auxiliary.labels
    subset = class_subsets(labels, 10, 3, 20, draw).flatten(0, 1)
    initial = initial_heads(30, 10, 84, draw)
    for r in (0, 14, 29):
        head = linear(initial.weight_MKD[r], initial.bias_MK[r])
        slow = train_on_features(head, phi[subset[r]], labels[subset[r]], steps=100, lr=5.0)
        torch.testing.assert_close(compared.heads.weight_MKD[r], slow.weight.detach(), rtol=1e-3, atol=1e-4)
    for c in (0, 9):
        torch.testing.assert_close(compared.centroid_KD[c], phi[labels == c].mean(0))


@pytest.mark.parametrize("chunk", [1, 7, 30, 31])
def test_heads_trained_in_chunks_are_the_same(original, digits, chunk, monkeypatch):
    together, trained = [], comparison.train_heads

    def watched(phi, *what, **how):
        together.append(len(phi))
        return trained(phi, *what, **how)

    box = WhiteBox(original.model)
    whole = ParameterDotProduct(**SETTINGS).compare(box, digits.auxiliary, torch.Generator().manual_seed(4))
    monkeypatch.setattr(comparison, "train_heads", watched)
    attack = ParameterDotProduct(**SETTINGS | {"chunk": chunk})
    parts = attack.compare(box, digits.auxiliary, torch.Generator().manual_seed(4))
    assert max(together) == min(chunk, 30)
    assert sum(together) == 30
    for one, other in zip(whole.heads, parts.heads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert torch.equal(whole.targets.weight_MKD, parts.targets.weight_MKD)  # the same draws


def test_shapes(original, digits):
    attack = ParameterDotProduct(**SETTINGS)
    compared = attack.compare(WhiteBox(original.model), digits.auxiliary, torch.Generator().manual_seed(4))
    assert compared.heads.weight_MKD.shape == (30, 10, 84)
    assert compared.targets.weight_MKD.shape == (9, 10, 84)
    assert compared.targets.bias_MK.shape == (9, 10)
    assert compared.forgotten_SK.shape == (8, 10)
    assert compared.centroid_KD.shape == (10, 84)


@pytest.mark.parametrize(("name", "value"), [("heads", 0), ("subset_size", 0), ("shadows", 7), ("chunk", 0)])
def test_too_few_of_anything_is_an_error_that_names_it(name, value):
    with pytest.raises(UserError, match=f"attack.{name}={value}"):
        ParameterDotProduct(**SETTINGS | {name: value})


def test_too_little_auxiliary_data_is_an_error_that_names_both_settings():
    attack = ParameterDotProduct(**SETTINGS)
    attack.check_auxiliary(20)
    with pytest.raises(UserError, match=r"attack\.subset_size=20.*dataset\.auxiliary_per_class=19"):
        attack.check_auxiliary(19)

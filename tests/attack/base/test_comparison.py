import pytest
import torch

from tests.attack.slow_heads import linear, train_on_features
from tests.attack.victims import joined, seen
from unlearnleak.adversary import heads
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.heads import class_subsets, initial_heads
from unlearnleak.adversary.standard import standardise
from unlearnleak.attack.param_confidence import ParameterConfidence
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


def test_targets_keep_the_targets_logits_and_heads_are_what_sgd_makes_of_the_same_draws(original, digits):
    attack, box = ParameterConfidence(**SETTINGS), WhiteBox(original.model)
    compared = attack.compare(seen(box, digits.auxiliary), torch.Generator().manual_seed(4))
    with torch.no_grad():
        raw = box.features(box.normalize(digits.auxiliary.images))
        logits = box.logits(box.normalize(digits.auxiliary.images))
    phi, _, _ = standardise(raw, *box.head())
    ours = phi @ compared.targets.weight_MKD[0].T + compared.targets.bias_MK[0]
    assert (ours - logits).abs().max() < 0.02 * logits.std()  # what features below DEAD carried

    draw, labels = torch.Generator().manual_seed(4), digits.auxiliary.labels
    subset = class_subsets(labels, 10, 3, 20, draw).flatten(0, 1)
    initial, trained = initial_heads(30, 10, 84, draw), joined(compared.heads)
    for r in (0, 14, 29):
        head = linear(initial.weight_MKD[r], initial.bias_MK[r])
        slow = train_on_features(head, phi[subset[r]], labels[subset[r]], steps=100, lr=5.0)
        torch.testing.assert_close(trained.weight_MKD[r], slow.weight.detach(), rtol=1e-3, atol=1e-4)
    for c in (0, 9):
        torch.testing.assert_close(compared.centroid_KD[c], phi[labels == c].mean(0))


def watch_training(monkeypatch):
    """How many heads are trained at once, call by call."""
    together, trained = [], heads.train_heads

    def watched(phi, *what, **how):
        together.append(len(phi))
        return trained(phi, *what, **how)

    monkeypatch.setattr(heads, "train_heads", watched)
    return together


@pytest.mark.parametrize("chunk", [1, 7, 30, 31])
def test_heads_trained_in_chunks_are_the_same(original, digits, chunk, monkeypatch):
    view = seen(WhiteBox(original.model), digits.auxiliary)
    whole = ParameterConfidence(**SETTINGS).compare(view, torch.Generator().manual_seed(4))
    expected = joined(whole.heads)
    together = watch_training(monkeypatch)
    attack = ParameterConfidence(**SETTINGS | {"chunk": chunk})
    parts = attack.compare(view, torch.Generator().manual_seed(4))
    found = joined(parts.heads)
    assert max(together) == min(chunk, 30)
    assert sum(together) == 30
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert torch.equal(whole.targets.weight_MKD, parts.targets.weight_MKD)  # the same draws


@pytest.mark.parametrize("classes", [1, 3, 4])
def test_blocks_of_classes_hold_no_more_and_are_the_same(original, digits, classes, monkeypatch):
    view = seen(WhiteBox(original.model), digits.auxiliary)
    whole = ParameterConfidence(**SETTINGS)(view, torch.Generator().manual_seed(4))
    monkeypatch.setattr(heads, "BLOCK_BYTES", 4 * classes * 3 * 10 * 84 + 1)
    together = watch_training(monkeypatch)
    parts = ParameterConfidence(**SETTINGS)(view, torch.Generator().manual_seed(4))
    assert max(together) == 3 * classes
    assert sum(together) == 30
    torch.testing.assert_close(parts.samples_KMF, whole.samples_KMF, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(parts.calibration.features_SKMF, whole.calibration.features_SKMF, rtol=1e-4, atol=1e-4)


def test_going_through_the_heads_twice_gives_the_same(original, digits):
    view = seen(WhiteBox(original.model), digits.auxiliary)
    compared = ParameterConfidence(**SETTINGS).compare(view, torch.Generator().manual_seed(4))
    assert torch.equal(joined(compared.heads).weight_MKD, joined(compared.heads).weight_MKD)


def test_shapes(original, digits):
    attack = ParameterConfidence(**SETTINGS)
    compared = attack.compare(seen(WhiteBox(original.model), digits.auxiliary), torch.Generator().manual_seed(4))
    assert joined(compared.heads).weight_MKD.shape == (30, 10, 84)
    assert compared.targets.weight_MKD.shape == (9, 10, 84)
    assert compared.targets.bias_MK.shape == (9, 10)
    assert compared.forgotten_SK.shape == (8, 10)
    assert compared.centroid_KD.shape == (10, 84)


@pytest.mark.parametrize(("name", "value"), [("heads", 0), ("subset_size", 0), ("shadows", 7), ("chunk", 0)])
def test_too_few_of_anything_is_an_error_that_names_it(name, value):
    with pytest.raises(UserError, match=f"attack.{name}={value}"):
        ParameterConfidence(**SETTINGS | {name: value})


def test_too_little_auxiliary_data_is_an_error_that_names_both_settings():
    attack = ParameterConfidence(**SETTINGS)
    attack.check_auxiliary(20)
    with pytest.raises(UserError, match=r"attack\.subset_size=20.*dataset\.auxiliary_per_class=19"):
        attack.check_auxiliary(19)

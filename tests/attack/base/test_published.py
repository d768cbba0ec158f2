import pytest
import torch
from hydra.errors import InstantiationException

from tests.attack.slow_heads import linear, train_on_features
from tests.attack.victims import configured, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.heads import Heads
from unlearnleak.adversary.standard import features_of
from unlearnleak.attack.base.comparison import ParameterAttack
from unlearnleak.errors import UserError

SMALL = {"heads": 3, "subset_size": 5, "shadows": 8, "shadow_steps": 5}
BOTH = pytest.mark.parametrize("attack", ["param_dot", "param_diff"])


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def slow_heads(run, view):
    """The heads behind the figure, one nn.Linear at a time on the features as the target gives them: vec(W, b)."""
    drawn = generator()
    ParameterAttack.compare(run, view, drawn)  # what the blind verdict draws comes first
    phi_ND, labels_N = features_of(view.target, view.auxiliary), view.auxiliary.labels
    planned = run.published_heads(phi_ND, labels_N, 10, drawn)
    initial = Heads(*map(torch.cat, zip(*planned.initial.parts(7), strict=True)))
    heads = []
    for weight_KD, bias_K, rows_n in zip(*initial, planned.subset_KMn.flatten(0, 1), strict=True):
        head = train_on_features(
            linear(weight_KD, bias_K), phi_ND[rows_n], labels_N[rows_n], steps=run.published_steps, lr=run.published_lr
        )
        heads.append(torch.cat([head.weight.detach().flatten(), head.bias.detach()]))
    return torch.stack(heads)


def test_the_figures_dot_products_are_those_of_heads_on_raw_features(targets, digits):
    run, box = configured("param_dot", **SMALL, published_lr=0.01, published_steps=12), WhiteBox(targets[(3,)])
    view = seen(box, digits.auxiliary)
    weight_KD, bias_K = box.head()
    expected = slow_heads(run, view) @ torch.cat([weight_KD.flatten(), bias_K])
    found = run(view, generator())
    assert found.published_KMF.shape == (10, 3, 1)
    torch.testing.assert_close(found.published_KMF.flatten(), expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(found.published(), found.published_KMF)


def test_the_figures_differences_are_those_of_heads_on_raw_features(targets, digits):
    run, box = configured("param_diff", **SMALL, published_lr=0.01, published_steps=12), WhiteBox(targets[(3,)])
    view = seen(box, digits.auxiliary)
    weight_KD, bias_K = box.head()
    expected = slow_heads(run, view) - torch.cat([weight_KD.flatten(), bias_K])
    found = run(view, generator())
    assert found.samples_KMF.shape == (10, 3, 850)
    torch.testing.assert_close(found.published().flatten(0, 1), expected, rtol=1e-4, atol=1e-4)


def test_standardised_features_give_the_heads_of_the_blind_verdict_on_other_samples(targets, digits):
    """The same kind of number as `samples_KMF`: as many heads and the same settings, but for the draw."""
    settings = {"published_features": "standardised", "published_steps": 100, "published_lr": 5.0}
    run = configured("param_dot", **SMALL | {"heads": 40}, **settings)
    found = run(seen(WhiteBox(targets[(3,)]), digits.auxiliary), generator())
    own_K, published_K = found.samples_KMF.mean((1, 2)), found.published_KMF.mean((1, 2))
    torch.testing.assert_close(published_K, own_K, rtol=0.1, atol=0.05 * own_K.abs().max().item())
    assert not torch.equal(found.published_KMF, found.samples_KMF)


@BOTH
def test_no_blind_verdict_reads_them(targets, digits, attack):
    view = seen(WhiteBox(targets[(3,)]), digits.auxiliary)
    changes = ({}, {"published_lr": 0.5, "published_steps": 3}, {"published_features": "standardised"})
    first, *others = (configured(attack, **SMALL, **change)(view, generator()) for change in changes)
    for other in others:
        assert torch.equal(other.aligned_KMF, first.aligned_KMF)
        assert torch.equal(other.calibration.features_SKMF, first.calibration.features_SKMF)
        assert not torch.equal(other.published(), first.published())
        assert attack == "param_diff" or torch.equal(other.samples_KMF, first.samples_KMF)


@BOTH
@pytest.mark.parametrize(
    ("setting", "value"), [("published_features", "whitened"), ("published_steps", 0), ("published_lr", 0.0)]
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(attack, setting, value):
    with pytest.raises(InstantiationException) as raised:
        configured(attack, **SMALL, **{setting: value})
    assert isinstance(raised.value.__cause__, UserError)
    assert f"attack.{setting}={value} is not possible" in str(raised.value.__cause__)

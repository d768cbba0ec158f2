import pytest
import torch

from tests.attack.conftest import named
from tests.attack.victims import configured, lowest, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.standard import Standard, features_of
from unlearnleak.attack.inversion_shadow import InversionShadow, centred, reach
from unlearnleak.errors import UserError
from unlearnleak.screening.youden import Youden

SETTINGS = {"steps": 60, "shadows": 8}


def attack(model, auxiliary, seed=0, **changes):
    made = configured("inversion_shadow", **SETTINGS | changes)
    return made(seen(WhiteBox(model), auxiliary), torch.Generator().manual_seed(seed))


def test_reach_keeps_telling_probabilities_apart_that_round_to_one():
    log_p = torch.tensor([-1e-30, -1e-12, -0.01, -0.7, -20.0])
    assert reach(log_p).diff().lt(0).all()
    assert reach(torch.zeros(1)).isfinite().all()
    assert reach(torch.tensor([-1.0])).item() == 0.0


def test_a_retained_class_reads_about_zero_whatever_the_class_and_the_target():
    """The reach of a class in a target: what the class is worth, plus what the target is, less 5 where forgotten."""
    draw = torch.Generator().manual_seed(0)
    forgotten_SK = torch.rand(12, 6, generator=draw) < 0.3
    forgotten_SK[:3] = False
    truth_TK = torch.cat([torch.tensor([[False, True, False, False, True, False]]), forgotten_SK])
    reach_TK = 3 * torch.randn(6, generator=draw) + 2 * torch.randn(13, 1, generator=draw) - 5.0 * truth_TK
    read_TK = centred(reach_TK, forgotten_SK)
    assert read_TK[truth_TK].max() < -2.5
    assert read_TK[~truth_TK].min() > -2.5
    assert torch.equal(centred(reach_TK + 7, forgotten_SK) < -2.5, truth_TK)


def test_the_targets_own_vectors_are_those_of_its_own_head(original, digits):
    """With one image a batch as with all: every image is told which of the targets it belongs to."""
    whole, single = (attack(original.model, digits.auxiliary, chunk=chunk, steps=20) for chunk in (None, 7))
    torch.testing.assert_close(whole.samples_KMF, single.samples_KMF, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(whole.calibration.features_SKMF, single.calibration.features_SKMF, rtol=1e-2, atol=1e-2)
    box = WhiteBox(original.model)
    standard = Standard.of(features_of(box, digits.auxiliary))
    x_NCHW = box.normalize(digits.test.images[:50])
    weight_KD, bias_K = standard.head(*box.head())
    with torch.no_grad():
        through_head = standard.features(box.features(x_NCHW)) @ weight_KD.T + bias_K
        logits = box.logits(x_NCHW)
    assert (through_head - logits).abs().max() < 0.02 * logits.std()


def test_forgotten_classes_come_last_and_the_control_is_silent(targets, digits):
    screening = Youden()
    for classes, model in targets.items():
        evidence = attack(model, digits.auxiliary, steps=100, shadows=12)
        assert lowest(evidence.aligned_KMF[:, 0, 0], len(classes)) == set(classes)
        assert set(named(screening(evidence))) == set(classes)


def test_shapes_and_draws(original, digits):
    evidence = attack(original.model, digits.auxiliary, restarts=2, steps=3)
    assert evidence.samples_KMF.shape == (10, 2, 10)
    assert evidence.aligned_KMF.shape == (10, 2, 1)
    assert evidence.calibration.features_SKMF.shape == (8, 10, 2, 1)
    assert evidence.images_KCHW.shape == (10, 1, 28, 28)
    again = attack(original.model, digits.auxiliary, restarts=2, steps=3)
    other = attack(original.model, digits.auxiliary, seed=1, restarts=2, steps=3)
    assert torch.equal(evidence.aligned_KMF, again.aligned_KMF)
    assert not torch.equal(evidence.aligned_KMF, other.aligned_KMF)


def test_too_few_shadows_are_refused_and_samples_are_needed():
    settings = {"restarts": 1, "steps": 1, "lr": 1.0, "l2": 0.0, "tv": 0.0, "chunk": None}
    shadow = {"shadow_steps": 1, "shadow_lr": 0.5, "shadow_momentum": 0.9}
    with pytest.raises(UserError, match=r"attack\.shadows=7"):
        InversionShadow(**settings, **shadow, shadows=7)
    made = InversionShadow(**settings, **shadow, shadows=8)
    with pytest.raises(UserError, match="auxiliary_per_class=0"):
        made.check_auxiliary(0)

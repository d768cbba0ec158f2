"""The split of variance, against closed forms, SciPy's F test and simulations with known components."""

import numpy as np
import pytest
from scipy.stats import f_oneway

from tests.report.targets_made import attacked
from unlearnleak.analysis.variance import components, splits
from unlearnleak.runs.frame import framed


def test_a_case_worked_by_hand():
    # Means 0.2 and 0.6, mean 0.4; MSB = 2 (0.04 + 0.04) / 1 = 0.16; MSW = (0.02 + 0.02) / 2 = 0.02; n0 = 2.
    found = components([[0.1, 0.3], [0.5, 0.7]])
    assert (found.n, found.originals, found.mean) == (4, 2, pytest.approx(0.4))
    assert found.within == pytest.approx(0.02)
    assert found.between == pytest.approx((0.16 - 0.02) / 2)
    assert found.share == pytest.approx(0.07 / 0.09)
    assert found.error == pytest.approx(np.sqrt(0.07 / 2 + 0.02 / 4))
    assert found.error_alone == pytest.approx(np.sqrt((0.2 / 3) / 4))


def test_uneven_groups_worked_by_hand():
    # Sizes 1, 2, 3: n0 = (6 - 14 / 6) / 2 = 11 / 6. Values 6; 0, 2; 1, 2, 3: mean 14/6, means 6, 1, 2.
    found = components([[6.0], [0.0, 2.0], [1.0, 2.0, 3.0]])
    above = ((6 - 14 / 6) ** 2 + 2 * (1 - 14 / 6) ** 2 + 3 * (2 - 14 / 6) ** 2) / 2
    within = (2 + 2) / 3
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx((above - within) / (11 / 6))


def test_the_mean_squares_are_those_of_scipys_f_test():
    random = np.random.default_rng(0)
    groups = [random.normal(m, 1, 7) for m in (0, 1, 3, 1)]
    found = components(groups)
    assert (7 * found.between + found.within) / found.within == pytest.approx(f_oneway(*groups).statistic)


@pytest.mark.parametrize(("between", "within", "sizes"), [(0.02, 0.05, (5,) * 8), (0.05, 0.02, (2, 3, 8, 8, 12))])
def test_known_components_come_back_on_average_and_within_the_interval(between, within, sizes):
    random, found = np.random.default_rng(7), []
    for _ in range(3000):
        found.append(components([random.normal(random.normal(0.5, between), within, n) for n in sizes]))
    # Unbiased: the mean over 3000 experiments is within a few per cent.
    assert np.mean([one.between for one in found]) == pytest.approx(between**2, rel=0.08)
    assert np.mean([one.within for one in found]) == pytest.approx(within**2, rel=0.02)
    share = between**2 / (between**2 + within**2)
    held = np.mean([one.interval[0] <= share <= one.interval[1] for one in found])
    assert held == pytest.approx(0.95, abs=0.013 if len(set(sizes)) == 1 else 0.03)
    spread = np.std([one.mean for one in found])
    assert np.sqrt(np.mean([one.error**2 for one in found])) == pytest.approx(spread, rel=0.08)
    assert np.mean([one.error_alone for one in found]) < 0.8 * spread


def test_one_original_says_nothing_of_others():
    found = components([[0.1, 0.5, 0.9]])
    assert (found.between, found.share, found.interval, found.error) == (None, None, None, None)
    assert found.within == pytest.approx(0.16)
    assert "one original model" in found.why
    assert components([[0.4]]).within is None


def test_one_target_each_cannot_be_split():
    found = components([[0.1], [0.5], [0.9]])
    assert (found.between, found.within, found.share) == (None, None, None)
    assert "one target per original" in found.why


def test_alike_and_fully_split():
    assert components([[1.0, 1.0], [1.0, 1.0]]).why == "all targets are alike"
    found = components([[0.2, 0.2], [0.8, 0.8]])
    assert (found.share, found.interval) == (1.0, (1.0, 1.0))


def test_originals_more_alike_than_chance_are_negative_and_count_as_nothing():
    found = components([[0.0, 1.0], [1.0, 0.0]])
    assert found.between == pytest.approx(-0.25)
    assert found.share == 0
    assert found.error == pytest.approx(np.sqrt(found.within / 4))


def runs(**changed):
    """Two originals, two classes each, two attack seeds a target; asr 0.2 and 0.6 by original, 0.1 by class."""
    return [
        attacked([c], [c], asr=0.2 + 0.4 * seed + 0.1 * c + jitter, forget_acc=0.1 * c + 0.5 * seed, **changed)
        | {"seeds": {"original": seed, "data": seed, "attack": attack}, "key_unlearned": f"{seed}{c}"}
        for seed in (0, 1)
        for c in (1, 2)
        for attack, jitter in ((0, -0.05), (1, 0.05))
    ]


def test_runs_are_split_by_original_a_target_being_one_observation():
    (split,) = splits(framed(runs()), "asr")
    assert split[:7] == ("asr", "mnist", "param_dot", "youden", "rt", "", 1)
    assert (split.found.n, split.found.originals, split.runs) == (4, 2, 8)
    assert split.found.within == pytest.approx(0.005)
    assert split.found.between == pytest.approx((0.16 - 0.005) / 2)


def test_accuracies_are_split_over_models():
    (split,) = splits(framed(runs() + runs(attack="param_diff", screening="decision_tree")), "forget_acc")
    assert (split.attack, split.screening, split.runs, split.found.n) == ("", "", 4, 4)
    assert split.found.within == pytest.approx(0.005)


def test_cells_and_settings_stay_apart():
    found = splits(framed(runs() + runs(unlearner="ng") + runs(settings="other") + runs(dataset="svhn")), "asr")
    words = [(one.dataset, one.unlearner, one.settings, one.found.n) for one in found]
    assert words == [
        ("mnist", "rt", "5e771465", 4),
        ("mnist", "rt", "other", 4),
        ("mnist", "ng", "", 4),
        ("svhn", "rt", "", 4),
    ]


def test_undefined_metrics_are_left_out():
    assert splits(framed(runs(auroc=None)), "auroc") == []

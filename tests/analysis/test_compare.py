"""What changed, against SciPy's own tests on the same numbers and cases whose answer is known."""

import numpy as np
import pytest
from scipy.stats import fisher_exact, wilcoxon

from tests.report.made import judged, run
from unlearnleak.analysis.compare import compare
from unlearnleak.runs.frame import framed


def jobs(hits: list[bool], **changed) -> list[dict]:
    """Runs of one cell: run i forgets class i % 10 with seed i // 10, and finds it or finds nothing."""
    return [run(**judged([i % 10], [i % 10] if hit else [], seed=i // 10) | changed) for i, hit in enumerate(hits)]


def compared(before, after):
    return compare(framed(before), framed(after))


def named(comparison, metric):
    (one,) = [change for change in comparison.changes if change.metric == metric]
    return one


def test_the_same_jobs_are_paired_and_a_lost_leak_is_seen():
    # 20 pairs, 15 of which go from exact to not exact: McNemar's exact p is 2 / 2^15.
    comparison = compared(jobs([True] * 20), jobs([False] * 15 + [True] * 5))
    exact = named(comparison, "exact verdicts")
    assert (exact.pairs, exact.n_before, exact.n_after, exact.test) == (20, 20, 20, "McNemar, exact")
    assert exact.p == pytest.approx(2 / 2**15)
    assert (exact.before, exact.after, exact.difference) == (1.0, 0.25, -0.75)
    assert exact.interval[0] < -0.75 < exact.interval[1] < 0
    assert exact.changed


def test_one_more_and_one_less_is_no_change():
    before = [True] * 10 + [False] * 10
    after = [False] + [True] * 9 + [True] + [False] * 9
    exact = named(compared(jobs(before), jobs(after)), "exact verdicts")
    assert exact.p == 1.0
    assert not exact.changed


def test_paired_means_agree_with_wilcoxons_exact_test_where_ranks_are_the_numbers():
    # Differences 1..8 in size: the sign permutation of their sum is Wilcoxon's exact test itself.
    signs = [1, 1, 1, -1, 1, 1, 1, 1]
    before = [r | {"retain_acc": 0.5, "key_unlearned": f"b{i}"} for i, r in enumerate(jobs([True] * 8))]
    after = [r | {"retain_acc": 0.5 + s * (i + 1) / 100} for i, (r, s) in enumerate(zip(before, signs, strict=True))]
    one = named(compared(before, after), "retain accuracy")
    assert one.test == "sign permutation"
    assert one.p == pytest.approx(wilcoxon([s * (i + 1) for i, s in enumerate(signs)], method="exact").pvalue)


def test_other_seeds_are_unpaired_with_fishers_test():
    after = [r | {"seeds": {"original": 9 + i}} for i, r in enumerate(jobs([False] * 12 + [True] * 2))]
    exact = named(compared(jobs([True] * 10 + [False] * 2), after), "exact verdicts")
    assert (exact.pairs, exact.test, exact.n_before, exact.n_after) == (0, "Fisher, exact", 12, 14)
    assert exact.p == pytest.approx(fisher_exact([[10, 2], [2, 12]]).pvalue)


def test_jobs_that_cannot_be_told_apart_are_not_paired():
    before = jobs([True] * 6) + [r | {"settings": "other"} for r in jobs([True] * 6)]
    assert named(compared(before, jobs([True] * 6)), "exact verdicts").pairs == 0


def test_only_the_jobs_that_both_have_are_paired():
    exact = named(compared(jobs([True] * 9), jobs([True] * 6)), "exact verdicts")
    assert (exact.pairs, exact.n_before) == (6, 6)


def test_p_values_are_adjusted_together_as_scipy_does():
    before = jobs([True] * 20) + jobs([True] * 20, attack="param_diff")
    after = jobs([False] * 9 + [True] * 11) + jobs([True] * 18 + [False] * 2, attack="param_diff")
    changes = [one for one in compared(before, after).changes if not one.equal]
    assert len(changes) >= 4
    ordered = sorted(one.p for one in changes)
    steps = [min(1, (len(ordered) - i) * p) for i, p in enumerate(ordered)]
    assert [one.q for one in changes] == pytest.approx([max(steps[: i + 1]) for i in range(len(steps))])
    assert any(one.q > one.p for one in changes)


def test_what_a_defence_leaves_alone_is_no_test_and_takes_no_power():
    before, after = jobs([True] * 20), jobs([False] * 9 + [True] * 11)
    alone = named(compared(before, after), "exact verdicts")
    others = [run for i in range(20) for run in jobs([True] * 20, unlearner=f"other{i}")]
    changes = compared(before + others, after + others).changes
    (same,) = [one for one in changes if one.metric == "exact verdicts" and "rt" in one.words]
    assert same.q == alone.q < 0.05
    assert {one.q for one in changes if one.equal} == {1.0}


def test_chance_is_seldom_called_a_change():
    # 40 comparisons of runs from one and the same urn: with adjusted p, changes are found in 5 % of such comparisons.
    random = np.random.default_rng(3)
    found = 0
    for _ in range(10):
        sides = [jobs((random.random(30) < 0.7).tolist()) for _ in range(2)]
        found += any(change.changed for change in compared(*sides).changes)
    assert found <= 3  # P(more than 3 of 10 at 5 %) is 0.001


def test_under_five_runs_a_side_nothing_is_tested_and_that_is_counted():
    comparison = compared(jobs([True] * 4), jobs([False] * 4))
    assert comparison.changes == []
    assert comparison.too_few > 0


def test_models_are_compared_once_however_many_attacks_look_at_them():
    runs = [r | {"key_unlearned": f"k{i}"} for i, r in enumerate(jobs([True] * 6))]
    twice = [*runs, *(r | {"attack": "param_diff"} for r in runs)]
    assert named(compared(twice, twice), "forget accuracy").n_before == 6


def test_sides_with_nothing_in_common():
    assert compared(jobs([True] * 6), jobs([True] * 6, dataset="svhn")).changes == []


def test_models_without_keys_are_told_apart_by_seeds_and_accuracies():
    # As in a CSV with few columns: two attacks on each of six models.
    runs = jobs([True] * 6)
    twice = [*runs, *(r | {"attack": "param_diff"} for r in runs)]
    assert named(compared(twice, twice), "forget accuracy").n_before == 6

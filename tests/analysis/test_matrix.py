"""The headline's numbers against SciPy and counting by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from tests.report.made import judged, run
from unlearnleak.analysis.matrix import cell, matrices, summaries
from unlearnleak.runs.frame import framed

SINGLE = [run(**judged([c], [c] if c < 7 else [c, 0], seed=s), asr_published=0.75) for c in range(8) for s in range(2)]
CONTROL = [run(**judged([], [] if s else [1], seed=s), unlearner="none") for s in range(4)]


def test_a_cells_numbers_are_counted_over_its_runs():
    one = cell(framed(SINGLE))
    values = [1.0] * 14 + [0.9] * 2
    assert (one.n, one.hits, one.failed, one.n_published) == (16, 14, 0, 16)
    assert one.asr == pytest.approx(np.mean(values))
    assert one.constant == pytest.approx(0.9)
    assert one.published == 0.75
    exact = binomtest(14, 16).proportion_ci(method="wilson")
    assert one.exact_interval == pytest.approx((exact.low, exact.high))
    mean = bootstrap((np.array(values),), np.mean, rng=1, n_resamples=20000).confidence_interval
    assert one.asr_interval == pytest.approx((mean.low, mean.high), abs=0.005)


def test_few_runs_have_no_interval():
    assert cell(framed(SINGLE[:4])).exact_interval is None
    assert cell(framed(SINGLE[:4])).asr_interval is None
    assert cell(framed(SINGLE[:5])).exact_interval is not None


@pytest.mark.parametrize(
    ("verdict", "forgotten", "gain", "step"),
    [
        ([3], [3], 1.0, 3),  # everything found
        ([], [3], 0.0, 0),  # the constant answer itself
        ([3, 4, 5], [3, 4, 5, 6], 0.75, 3),
        ([3], [3, 4, 5, 6], 0.25, 1),
        ([3, 4], [3, 4, 5, 6], 0.5, 2),
        ([1, 2], [3], -2 / 9, -1),  # 0.7 where saying nothing has 0.9
        ([], [], 0.0, 0),  # a control left in peace: there is nothing to find
        ([0, 1, 2, 3, 4, 5], [], -0.6, -2),
        (list(range(10)), [], -1.0, -3),
    ],
)
def test_the_shade_is_what_the_attack_adds_to_the_constant_answer(verdict, forgotten, gain, step):
    one = cell(framed([run(**judged(forgotten, verdict))]))
    assert one.gain == pytest.approx(gain)
    assert one.step == step


def test_models_that_failed_the_gate_are_counted():
    failed = run(**judged([1], [1], seed=9) | {"gate": "failed"})
    assert cell(framed([*SINGLE, failed])).failed == 1


def test_a_matrix_per_data_set_with_the_control_last_and_the_papers_order():
    runs = [run(**judged([1], [1]) | {"unlearner": word}) for word in ("ng", "au", "rt")]
    runs += [*CONTROL, run(**judged([1, 2, 3], [1]), attack="param_diff"), run(dataset="svhn")]
    digits, svhn = matrices(framed(runs))
    assert digits.lines == [("rt", "1"), ("au", "1"), ("ng", "1"), ("rt", "3"), ("none", "0")]
    assert digits.columns == [("param_dot", "youden"), ("param_diff", "youden")]
    assert (("rt", "3"), ("param_dot", "youden")) not in digits.cells
    assert (svhn.dataset, len(svhn.cells)) == ("svhn", 1)


def test_unfinished_runs_are_in_no_cell():
    assert matrices(framed([{"status": "failed", "why": "x", "directory": "d"}])) == []


def test_at_a_glance_gate_failures_and_controls_are_counted_apart():
    failed = [run(**judged([1], [1], seed=9) | {"gate": "failed"}), run(**judged([2], [], seed=9) | {"gate": "failed"})]
    (one,) = summaries(framed([*SINGLE, *CONTROL, *failed]))
    assert (one.passed, one.failed, one.silent) == ((14, 16), (1, 2), (3, 4))
    assert one.gain_points == pytest.approx(100 * (np.mean([1.0] * 14 + [0.9] * 2) - 0.9))


def test_one_of_one_does_not_come_before_fourteen_of_sixteen():
    lucky = run(**judged([1], [1]), attack="param_diff")
    assert [one.attack for one in summaries(framed([lucky, *SINGLE]))] == ["param_dot", "param_diff"]


def test_defended_models_and_parts_of_classes_are_not_pooled_with_others():
    usual = [run(**judged([3], [3])), run(**judged([3], [3], seed=1), defense="none")]
    others = [
        run(**judged([3], [1], seed=2), defense="weight_noise"),
        run(**judged([3], [1], seed=3), forget_level="sample", forget_share=0.5),
    ]
    (summary,) = summaries(framed([*usual, *others]))
    assert summary.passed == (2, 2)

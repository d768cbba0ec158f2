import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from unlearnleak.metric import verdict as metric

K = 4
FLAGS = [np.array(flags) for flags in itertools.product([False, True], repeat=K)]
PAIRS = list(itertools.product(FLAGS, FLAGS))
SCORED = st.integers(2, 8).flatmap(
    lambda k: st.tuples(
        st.lists(st.sampled_from([-np.inf, -1.5, 0.0, 0.25, 3.0, np.inf]), min_size=k, max_size=k),
        st.lists(st.booleans(), min_size=k, max_size=k),
    )
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metric.asr, reference.accuracy_score),
        (metric.precision, lambda t, v: reference.precision_score(t, v, zero_division=np.nan)),
        (metric.recall, lambda t, v: reference.recall_score(t, v, zero_division=np.nan)),
        (metric.f1, lambda t, v: reference.f1_score(t, v, zero_division=np.nan)),
        (metric.exact_match, lambda t, v: reference.accuracy_score(t[None], v[None])),
    ],
)
def test_agrees_with_scikit_learn_on_every_verdict_over_four_classes(ours, theirs):
    for verdict, truth in PAIRS:
        value, expected = ours(verdict, truth), theirs(truth, verdict)
        assert (value is None) == np.isnan(expected), (verdict, truth)
        assert value is None or value == pytest.approx(expected), (verdict, truth)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
def test_balanced_accuracy_agrees_with_scikit_learn_and_is_the_accuracy_where_all_classes_are_of_one_kind():
    for verdict, truth in PAIRS:
        value = metric.balanced_accuracy(verdict, truth)
        assert value == pytest.approx(reference.balanced_accuracy_score(truth, verdict)), (verdict, truth)
        if truth.all() or not truth.any():
            assert value == metric.asr(verdict, truth)


def test_the_undefined_is_none():
    nobody, somebody = np.zeros(K, bool), np.array([True, False, False, False])
    assert metric.precision(nobody, somebody) is None
    assert metric.recall(somebody, nobody) is None
    assert metric.f1(nobody, nobody) is None
    assert metric.f1(nobody, somebody) == 0.0
    assert metric.auroc(np.arange(K), nobody) is None
    assert metric.forgotten_ranked_first(np.arange(K), nobody) is None


@settings(derandomize=True)
@given(SCORED)
def test_auroc_agrees_with_scikit_learn_with_ties_and_infinities(scored):
    score, truth = np.array(scored[0]), np.array(scored[1])
    value = metric.auroc(score, truth)
    if truth.all() or not truth.any():
        assert value is None
    else:
        finite = np.nan_to_num(score, posinf=1e9, neginf=-1e9)  # scikit-learn takes finite scores only
        assert value == pytest.approx(reference.roc_auc_score(truth, finite))


@settings(derandomize=True)
@given(SCORED)
def test_ranked_first_means_that_the_highest_scores_are_exactly_the_forgotten_ones(scored):
    score, truth = scored
    forgotten = [s for s, t in zip(score, truth, strict=True) if t]
    retained = [s for s, t in zip(score, truth, strict=True) if not t]
    expected = float(all(f > r for f in forgotten for r in retained)) if forgotten and retained else None
    assert metric.forgotten_ranked_first(score, truth) == expected


def test_the_constant_answer_scores_nine_tenths_with_one_of_ten_forgotten():
    truth = np.arange(10) == 3
    assert metric.asr_constant(truth) == pytest.approx(0.9)
    assert metric.asr_constant(np.isin(np.arange(10), [0, 1, 2])) == pytest.approx(0.7)


def test_all_together_are_the_single_ones_and_can_be_written_as_json():
    verdict, truth = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    score = torch.tensor([0.9, 0.8, 0.7, 0.1])
    found = metric.verdict_metrics(verdict, score, truth)
    assert json.loads(json.dumps(found)) == {
        "asr": 0.5,
        "exact_match": 0.0,
        "balanced_accuracy": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "auroc": 0.75,
        "forgotten_ranked_first": 0.0,
        "asr_constant": 0.5,
    }


@pytest.mark.parametrize(
    ("verdict", "score", "truth", "problem"),
    [
        ([True, False], [0.0, 1.0], [True], "2 classes"),
        ([0.3, 0.7], [0.0, 1.0], [True, False], "float64"),
        ([True, False], [0.0, float("nan")], [True, False], "class 1 is not a number"),
        ([True, False], [0.0], [True, False], "shape"),
        ([], [], [], "one flag per class"),
    ],
)
def test_what_does_not_fit_is_refused(verdict, score, truth, problem):
    with pytest.raises(ValueError, match=problem):
        metric.verdict_metrics(verdict, score, truth)


def test_a_class_that_was_not_judged_was_not_judged_rightly_and_is_no_alarm():
    """Class 0 retained, class 1 forgotten; neither is judged. Class 2 is named, rightly; 3 is not, rightly."""
    nan = float("nan")
    told = metric.verdict_metrics(
        [False, False, True, False], [nan, nan, 2.0, 1.0], [False, True, True, False], [False, False, True, True]
    )
    assert told["asr"] == 0.5
    assert told["exact_match"] == 0
    assert told["balanced_accuracy"] == 0.5
    assert (told["precision"], told["recall"]) == (1, 0.5)
    assert told["f1"] == 2 / 3
    assert told["auroc"] == 1  # of those judged
    assert told["forgotten_ranked_first"] == 0
    control = metric.verdict_metrics([False] * 2, [nan, 1.0], [False] * 2, [False, True])
    assert (control["asr"], control["exact_match"], control["precision"]) == (0.5, 0, None)

import numpy as np
import pytest
import torch

from unlearnleak.auditing.asked import BY_ANSWERS
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.table import audit_answers
from unlearnleak.foreign.answers import open_answers


def table(tmp_path, p_NK, labels_N):
    np.savez(tmp_path / "answers.npz", probabilities=p_NK, labels=labels_N)
    return open_answers(tmp_path / "answers.npz")


def answers(missing=None, without=()):
    """A model of four classes that is right with 0.91, and calls a missing class another."""
    labels_N = np.array([c for c in range(4) for _ in range(10) if c not in without])
    said_N = np.where(labels_N == missing, (labels_N + 1) % 4, labels_N)
    return (0.88 * np.eye(4) + 0.03)[said_N].astype(np.float32), labels_N


def test_a_class_that_answers_do_not_know_is_named(tmp_path):
    result = audit_answers(table(tmp_path, *answers(missing=2)), name="answers.npz", settings=Settings(truth=2))
    assert (result.status, result.classes) == ("leak", (2,))
    assert {one.name for one in result.counted} >= {"aux_confidence / chance", "aux_confidence / halfway"}
    assert next(one for one in result.attacks if one.attack == "aux_margin").named == (2,)
    assert all(one.evaluation.outcome == "exact" for one in result.counted)
    assert result.understood.accuracy == 0.75


def test_answers_that_know_all_are_silent_and_everything_else_says_why_it_did_not_run(tmp_path):
    result = audit_answers(table(tmp_path, *answers()), name="answers.npz")
    assert (result.status, result.exit_status) == ("silent", 0)
    others = [one for one in result.attacks if one.attack not in BY_ANSWERS]
    assert len(others) > 10
    assert all(one.why for one in others)


def test_a_class_without_rows_is_not_judged(tmp_path):
    result = audit_answers(table(tmp_path, *answers(missing=2, without=(1,))), name="answers.npz")
    assert result.classes == (2,)
    assert result.understood.not_judged_classes == (1,)
    assert result.counted[0].scores[1] is None


def test_answers_that_guess_cannot_be_judged(tmp_path):
    p_NK = torch.rand(40, 4, generator=torch.Generator().manual_seed(0)).softmax(1).numpy()
    result = audit_answers(table(tmp_path, p_NK, answers()[1]), name="answers.npz")
    assert (result.status, result.understood.plausible) == ("not judged", False)


@pytest.mark.parametrize("count", [1, 4])
def test_few_answers_are_not_enough(tmp_path, count):
    p_NK, labels_N = answers()
    some = np.concatenate([np.flatnonzero(labels_N == c)[:count] for c in range(4)])
    assert audit_answers(table(tmp_path, p_NK[some], labels_N[some]), name="a").status == "not judged"

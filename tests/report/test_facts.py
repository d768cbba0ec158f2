"""What was run, and what did not work."""

from tests.report.made import judged, run
from unlearnleak.report.facts import facts, troubles

RUNS = [
    run(**judged([1], [1]), time=1000.0, seconds_unlearned=90.0, stored_unlearned=False, revision="aaa"),
    run(**judged([1], [1], seed=1), time=4600.0, seconds_unlearned=90.0, stored_unlearned=True, revision="bbb"),
    run(**judged([2], [2]) | {"gate": "failed", "gate_reasons": ["forget_acc 0.3 is above 0.05"]}),
    {"status": "failed", "why": "ValueError: a", "directory": "d", "unlearner": "ng"},
    {"status": "failed", "why": "ValueError: a", "directory": "e", "unlearner": "ng"},
    {"status": "skipped", "why": "no pair", "directory": "f"},
    {"status": "waiting", "why": None, "directory": "g"},
]


def test_every_run_is_counted_once():
    found = facts(RUNS)
    assert found.counts == {"done": 3, "waiting": 1, "failed": 2, "skipped": 1}
    assert (found.total, found.gate_failed) == (7, 1)


def test_what_came_from_the_store_was_not_computed():
    assert facts(RUNS).computed == "90 s"


def test_more_than_one_version_is_seen():
    assert facts(RUNS).versions["revision"] == ["aaa", "bbb"]


def test_ends_are_in_utc():
    assert (facts(RUNS).began, facts(RUNS).ended) == ("1970-01-01 00:16 UTC", "1970-01-01 01:16 UTC")


def test_the_grid_counts_values_in_the_papers_order():
    assert facts(RUNS).axes["unlearner"] == [("rt", 3), ("ng", 2), ("-", 2)]


def test_equal_reasons_are_told_once_failures_first():
    once = {"status": "failed", "why": "OSError: b", "directory": "h"}
    assert [(one.state, one.why, len(one.runs)) for one in troubles([once, *RUNS])] == [
        ("failed", "ValueError: a", 2),
        ("failed", "OSError: b", 1),
        ("gate failed", "forget_acc 0.3 is above 0.05", 1),
        ("skipped", "no pair", 1),
    ]

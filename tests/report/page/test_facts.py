"""What was run, and what did not work."""

from tests.report.made import judged, run
from unlearnleak.report.page.facts import facts, failures


def took(original: str, unlearned: str) -> dict:
    """Two stages' costs and the keys of what they gave."""
    seconds = {"seconds_original": 300.0, "seconds_unlearned": 90.0, "seconds_verdict": 7.0}
    return seconds | {"key_original": original, "key_unlearned": unlearned}


RUNS = [
    run(**judged([1], [1]), time=1000.0, **took("a", "b"), stored_unlearned=True, revision="aaa"),
    run(**judged([1], [1], seed=1), time=4600.0, **took("a", "c"), stored_unlearned=False, revision="bbb"),
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


def test_an_artifact_counts_once_whoever_found_it_stored_and_nothing_counts_without_a_key():
    found = facts(RUNS)
    assert found.spent == [("original", 1, 300.0), ("unlearned", 2, 180.0)]
    assert found.computed == "8 min"


def test_where_no_run_names_its_artifacts_no_sum_is_made():
    assert facts([run(**judged([1], [1]), seconds_unlearned=90.0)]).computed == ""


def test_more_than_one_version_is_seen():
    assert facts(RUNS).versions["revision"] == ["aaa", "bbb"]


def test_ends_are_in_utc():
    assert (facts(RUNS).began, facts(RUNS).ended) == ("1970-01-01 00:16 UTC", "1970-01-01 01:16 UTC")


def test_the_grid_counts_values_in_the_papers_order():
    assert facts(RUNS).axes["unlearner"] == [("rt", 3), ("ng", 2), ("-", 2)]


def test_equal_reasons_are_told_once_failures_first():
    once = {"status": "failed", "why": "OSError: b", "directory": "h"}
    assert [(one.state, one.why, len(one.runs)) for one in failures([once, *RUNS])] == [
        ("failed", "ValueError: a", 2),
        ("failed", "OSError: b", 1),
        ("gate failed", "forget_acc 0.3 is above 0.05", 1),
        ("skipped", "no pair", 1),
    ]

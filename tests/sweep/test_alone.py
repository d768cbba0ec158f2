"""Jobs that the project's own sweeper has not planned: single runs, and those of another sweeper."""

import pytest

from tests.jobs import composed, overrides_in
from unlearnleak.errors import UserError
from unlearnleak.sweep import alone
from unlearnleak.sweep.alone import run_alone


@pytest.fixture
def untrained(monkeypatch):
    """No job may run."""
    monkeypatch.setattr(alone, "run_job", lambda *_, **__: pytest.fail("it ran"))


@pytest.mark.parametrize("sweep", [False, True])
def test_a_dry_run_says_what_it_would_do(untrained, tmp_path, capsys, sweep):
    config = composed(*overrides_in(tmp_path, "dry_run=true"))
    assert run_alone(config, tmp_path / "run", sweep=sweep) is None
    assert capsys.readouterr().out == "jobs 1: originals 1, unlearned 1, evidence 1, verdicts 1\n"
    assert not (tmp_path / "run").exists()


def test_a_dry_run_of_parts_that_do_not_fit(untrained, tmp_path, capsys):
    config = composed(*overrides_in(tmp_path, "dry_run=true", "attack=head_sum", "screening=youden"))
    run_alone(config, tmp_path / "run", sweep=True)
    assert capsys.readouterr().out.startswith("skipped: screening=youden cannot read the evidence of attack=head_sum")
    with pytest.raises(UserError, match="screening=youden cannot read"):
        run_alone(config, tmp_path / "run", sweep=False)


def test_a_dry_run_of_a_search_ends_with_the_jobs_that_need_no_result(untrained, tmp_path, capsys):
    config = composed(*overrides_in(tmp_path, "dry_run=true", "objective=asr"))
    with pytest.raises(UserError, match="what comes after these jobs depends on their objective=asr"):
        run_alone(config, tmp_path / "run", sweep=True)
    assert "originals 1" in capsys.readouterr().out
    run_alone(config, tmp_path / "run", sweep=False)


def test_only_failed_is_for_sweeps(untrained, tmp_path):
    with pytest.raises(UserError, match=r"only=failed is for sweeps \(-m\)"):
        run_alone(composed(*overrides_in(tmp_path, "only=failed")), tmp_path / "run", sweep=False)


@pytest.mark.parametrize(("objective", "found"), [("null", {"asr": 0.5}), ("asr", 0.5), ("[asr]", [0.5])])
def test_a_job_returns_its_result_or_the_number_that_is_asked_for(monkeypatch, tmp_path, objective, found):
    monkeypatch.setattr(alone, "run_job", lambda *_, **__: {"asr": 0.5})
    config = composed(*overrides_in(tmp_path, f"objective={objective}"))
    assert run_alone(config, tmp_path / "run", sweep=True) == found


def test_a_skipped_job_has_no_number(tmp_path):
    words = overrides_in(tmp_path, "objective=asr", "attack=head_sum", "screening=youden")
    with pytest.raises(UserError, match=r"objective=asr has no value: the job has no result \(screening=youden cannot"):
        run_alone(composed(*words), tmp_path / "run", sweep=True)

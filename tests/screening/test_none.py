"""none: a job that ends with its evidence, and whose result judges no class."""

import json
import logging

import pytest

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.config.objective import value_of
from unlearnleak.errors import UserError
from unlearnleak.metric.verdict import VERDICT_METRICS, verdict_metrics
from unlearnleak.pipeline.job import run_job
from unlearnleak.screening.none import NoScreening
from unlearnleak.sweep.grid import planned

WORDS = ("unlearner=ft", "attack=head_sum", "screening=none")


def test_the_metrics_that_are_none_are_those_of_a_verdict():
    assert list(verdict_metrics([True, False], [1, 0], [True, False])) == list(VERDICT_METRICS)


def test_a_job_ends_with_its_evidence_and_judges_nothing(tmp_path, caplog):
    config = composed(*overrides_in(tmp_path, *WORDS))
    with caplog.at_level(logging.INFO):
        result = run_job(config, tmp_path / "run", sweep=False)
    assert [key.removeprefix("key_") for key in result if key.startswith("key_")] == [
        *("data", "original", "unlearned", "evidence")
    ]
    assert {result[name] for name in (*VERDICT_METRICS, "asr_published", "asr_published_placebo")} == {None}
    assert result["verdict"] is result["scores"] is None
    assert result["forgotten"] == [3]
    assert result["retain_acc"] is not None
    assert result["gate"] in ("passed", "failed")
    assert "retain" in caplog.text
    assert "verdict" not in caplog.text
    assert json.loads((tmp_path / "run" / "result.json").read_text())["verdict"] is None
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert run_job(config, tmp_path / "run", sweep=False)["key_evidence"] == result["key_evidence"]
    assert "finished before" in caplog.text


def test_the_evidence_is_what_any_screening_reads(tmp_path):
    judged, plain = pipeline_in(tmp_path, *WORDS[:2]), pipeline_in(tmp_path, *WORDS)
    assert plain.key("evidence") == judged.key("evidence")
    assert plain.whole
    assert plain.last.name == "evidence"
    assert judged.last.name == "verdict"


def test_other_evidence_is_another_job(tmp_path):
    """A finished run is told by its last stage, be that the evidence."""
    first, second = (pipeline_in(tmp_path, *WORDS, attack) for attack in ("attack=head_sum", "attack=noise_prior"))
    assert first.judged[-1].key != second.judged[-1].key


def test_a_sweep_plans_jobs_with_a_verdict_and_without(tmp_path):
    words = [(*WORDS[:2], f"screening={name}") for name in ("none", "threshold")]
    jobs = [planned(composed(*overrides_in(tmp_path, *each)), [], tmp_path / "run") for each in words]
    assert [job.nodes[-1].name for job in jobs] == ["evidence", "verdict"]
    assert [job.state for job in jobs] == ["todo"] * 2


def test_a_number_that_only_a_verdict_has_has_no_value_for_a_search(tmp_path):
    result = run_job(composed(*overrides_in(tmp_path, *WORDS)), tmp_path / "run", sweep=False)
    with pytest.raises(UserError, match="objective=asr has no value"):
        value_of(result, "asr")
    assert value_of(result, "retain_acc") == result["retain_acc"]


def test_it_is_never_asked():
    with pytest.raises(TypeError, match="judges no class"):
        NoScreening()(None)

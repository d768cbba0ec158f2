"""none: no stage, no part of a result, no name; keys and folders are those of a time before evaluations."""

import json

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.pipeline.job import run_job
from unlearnleak.runs.naming import run_name


def test_nothing_is_made_and_nothing_is_said(tmp_path):
    pipeline = pipeline_in(tmp_path)
    assert list(pipeline.stages) == ["data", "original", "unlearned", "evidence", "verdict"]
    assert not {"evaluation"} & {*pipeline.plan.spec, *pipeline.plan.names}
    run_job(composed(*overrides_in(tmp_path, "attack=head_sum")), tmp_path / "run", sweep=False)
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert not [name for name in result if "evaluation" in name]
    assert "measured" not in result["identity"]


def test_a_folder_is_called_as_before_there_were_evaluations():
    assert run_name(_root_=composed("dataset=mnist", "attack=relearn")) == "mnist-lenet-rt-3-relearn-youden-s0-29e0a689"

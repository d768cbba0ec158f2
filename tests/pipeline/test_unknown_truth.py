"""A model of which nobody says what it forgot: the verdict is there, and is held against nothing."""

import json

import pytest
from safetensors.torch import save_file

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.errors import Incompatible
from unlearnleak.metric.verdict import VERDICT_METRICS
from unlearnleak.pipeline.job import run_job
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.record import summary
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unknown")
    save_file(pipeline_in(folder, "unlearner=rt").model("unlearned").state_dict(), folder / "w.safetensors")
    return folder


def words(folder, *more):
    return overrides_in(folder, "unlearner=imported", f"unlearner.path={folder / 'w.safetensors'}", *more)


def test_the_verdict_is_that_of_a_known_truth_and_every_figure_of_its_rightness_is_missing(folder):
    known = run_job(composed(*words(folder, "forget_classes=[3]")), folder / "runs" / "known", sweep=False)
    told = run_job(composed(*words(folder, "forget_classes=unknown")), folder / "runs" / "unknown", sweep=False)
    assert (told["verdict"], told["scores"]) == (known["verdict"], known["scores"])
    assert known["asr"] is not None
    assert {told[name] for name in (*VERDICT_METRICS, "asr_published", "forget_acc")} == {None}
    assert told["gate"] == "unknown"
    assert told["retain_acc"] is not None
    assert "not known" in summary(told, folder)


def test_tables_leave_it_out_of_rates_and_keep_it_as_a_run(folder):
    for said in ("unknown", "[3]"):
        run_job(composed(*words(folder, f"forget_classes={said}")), folder / "runs" / said.strip("[]"), sweep=False)
    runs = load_runs([folder / "runs" / "unknown", folder / "runs" / "3"])
    assert framed(runs)["exact_match"].isna().tolist() == [False, True]
    assert json.loads((folder / "runs" / "unknown" / "result.json").read_text())["forgotten"] == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["unlearner=ft"], "unlearner=ft has to be told what to forget"),
        (["unlearner=none"], "unlearner=none has to be told what to forget"),
    ],
)
def test_what_is_trained_here_has_to_be_told(folder, more, told):
    with pytest.raises(Incompatible, match=told):
        make_plan(composed(*overrides_in(folder, *more, "forget_classes=unknown")))


@pytest.mark.parametrize("defense", ["head_repair", "finetune", "linear_filtration"])
def test_a_defence_that_treats_forgotten_classes_apart_has_to_be_told(folder, defense):
    with pytest.raises(Incompatible, match=f"defense={defense} has to be told what was forgotten"):
        make_plan(composed(*words(folder, "forget_classes=unknown", f"defense={defense}")))


def test_any_other_defence_can_be_tried(folder):
    more = ["forget_classes=unknown", "defense=weight_noise", "screening=chance", "attack=aux_confidence"]
    result = run_job(composed(*words(folder, *more)), folder / "runs" / "defended", sweep=False)
    assert result["exact_match"] is None
    assert len(result["scores"]) == 4

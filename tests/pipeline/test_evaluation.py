"""Evaluations: an ordinary stage beside the verdict, of ordinary models that sweeps share."""

import json

import pytest
import torch
from omegaconf import open_dict

from tests.jobs import composed, overrides_in, pipeline_in
from tests.pipeline.test_keys import KEYS
from unlearnleak.cli.export import newer_settings
from unlearnleak.config.objective import check_objective, value_of
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.evaluate import durations
from unlearnleak.pipeline.job import run_job
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.runs.loading import job_of
from unlearnleak.runs.naming import run_name
from unlearnleak.runs.words import named
from unlearnleak.store import Artifact
from unlearnleak.sweep.grid import planned
from unlearnleak.sweep.waves import make_waves

WORDS = ("attack=head_sum", "evaluation=distance")


def roles(pipeline):
    return pipeline.stages["evaluation"].parents


def ran(folder, name, *words):
    return run_job(composed(*overrides_in(folder, *words)), folder / name, sweep=False)


def test_it_is_a_stage_before_the_evidence_and_changes_no_other_key(tmp_path):
    usual, measured = pipeline_in(tmp_path, "attack=head_sum"), pipeline_in(tmp_path, *WORDS)
    assert list(measured.stages) == ["data", "original", "unlearned", "evaluation", "evidence", "verdict"]
    assert {name: measured.key(name) for name in usual.stages} == {name: usual.key(name) for name in usual.stages}
    assert measured.whole
    assert measured.last.name == "verdict"


def test_the_older_release_has_the_keys_that_it_had_beside_it(tmp_path):
    usual = ("dataset=digits", "runtime.device=cpu", "logger=none", f"store={tmp_path}")
    words = next(iter(KEYS))
    from unlearnleak.pipeline.stages import Pipeline

    pipeline = Pipeline(make_plan(composed(*usual, *words.split(), "evaluation=distance")))
    assert {stage: pipeline.key(stage) for stage in KEYS[words]} == KEYS[words]


@pytest.mark.parametrize(
    "word", ["unlearner=ng", "unlearner=none", "unlearner=au", "attack=noise_prior", "seeds.attack=9"]
)
def test_retrained_models_are_shared_by_whatever_is_done_to_the_original(tmp_path, word):
    one, other = roles(pipeline_in(tmp_path, *WORDS, "unlearner=ft")), roles(pipeline_in(tmp_path, *WORDS, word))
    for role in ("reference_0", "reference_1"):
        assert one[role].key == other[role].key
        assert one[role].name == "unlearned"
    assert one["reference_0"].key != one["reference_1"].key


def test_a_reference_is_the_run_of_retraining_of_its_seed(tmp_path):
    reference = roles(pipeline_in(tmp_path, *WORDS, "unlearner=ft"))["reference_1"]
    run = pipeline_in(tmp_path, "attack=head_sum", "unlearner=rt", f"seeds.unlearning={reference.payload['seed']}")
    assert run.key("unlearned") == reference.key


def test_an_attackers_seed_and_attack_change_nothing_of_it_and_all_else_does(tmp_path):
    key = pipeline_in(tmp_path, *WORDS).key("evaluation")
    assert pipeline_in(tmp_path, *WORDS, "seeds.attack=3").key("evaluation") == key
    assert pipeline_in(tmp_path, "attack=noise_prior", "evaluation=distance").key("evaluation") == key
    for word in (
        "evaluation.relearn_most=7",
        "unlearner=ft",
        "forget_classes=[1]",
        "seeds.original=5",
        "forget_share=0.5",
    ):
        assert pipeline_in(tmp_path, *WORDS, word).key("evaluation") != key, word
    assert pipeline_in(tmp_path, *WORDS, "defense=weight_noise").key("evaluation") != key


def test_of_a_control_it_is_held_against_models_without_what_would_have_been_forgotten(tmp_path):
    one, other = (pipeline_in(tmp_path, *WORDS, "unlearner=none", f"forget_classes=[{c}]") for c in (0, 1))
    assert one.key("unlearned") == other.key("unlearned")
    assert one.key("evaluation") != other.key("evaluation")
    assert roles(one)["reference_0"].payload["forget_classes"] == (0,)


CASES = {
    "none": ["unlearner=none"],
    "classes": ["unlearner=ft", "forget_classes=[0,2]"],
    "share": ["unlearner=ft", "forget_share=0.5"],
    "rows": ["unlearner=ft", "forget_rows=[3,6]"],
    "defence": ["unlearner=ft", "defense=weight_noise"],
    "defence of answers": ["unlearner=ft", "defense=label_only"],
    "drawn answers": ["unlearner=ft", "defense=dropout_inference"],
    "tuned": ["unlearner=ft", "finetuning.samples=24"],
    "ledger": ["unlearner=au"],
    "another control": ["unlearner=fewer_samples"],
    "no verdict": ["unlearner=rt", "screening=none"],
}


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_forgetting_is_measured(tmp_path, case):
    result = ran(tmp_path, "run", *WORDS, *CASES[case])
    told = result["evaluation"]
    assert told["name"] == "distance"
    assert told["settings"]["references"] == 2
    assert 0 <= told["js_forget_train"] <= 0.7
    assert len(told["shares_forget_test"]) == 4
    assert json.loads((tmp_path / "run" / "result.json").read_text())["evaluation"] == json.loads(json.dumps(told))
    assert {"key_evaluation", "seconds_evaluation", "stored_evaluation"} <= set(result)


def test_a_defended_model_is_the_one_that_is_measured(tmp_path):
    plain, defended = (
        ran(tmp_path, word, *WORDS, "unlearner=ft", f"defense={word}")["evaluation"] for word in ("none", "label_only")
    )
    assert defended["js_forget_test"] != plain["js_forget_test"]
    assert defended["shares_forget_test"] == plain["shares_forget_test"]
    for name in ("retrained_js_forget_test", "original_js_forget_test", "cka_forget_test", "relearn_steps"):
        assert defended[name] == plain[name]


def test_retraining_after_a_fine_tuning_stage_starts_from_the_same_pretrained_model(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS, "finetuning.samples=24")
    assert roles(pipeline)["reference_0"].parents["pretrained"].key == pipeline.key("pretrained")


def test_a_model_from_a_file_is_refused_in_one_line_before_anything_is_trained(tmp_path, computed):
    from safetensors.torch import save_file

    pipeline = pipeline_in(tmp_path, "attack=head_sum", "unlearner=rt")
    file = tmp_path / "unlearned.safetensors"
    save_file(pipeline.model("unlearned").state_dict(), file)
    computed.clear()
    with pytest.raises(Incompatible, match=r"^evaluation=distance has to know .* \(unlearner=imported\)[^\n]*$"):
        pipeline_in(tmp_path, *WORDS, "unlearner=imported", f"unlearner.path={file}")
    assert computed == []


def test_a_sweep_computes_each_reference_once(tmp_path):
    def job(*words):
        return planned(
            composed(*overrides_in(tmp_path, *WORDS, *words)), [*words], tmp_path / "runs" / "sweep" / words[0]
        )

    jobs = [job("unlearner=ft"), job("unlearner=ng"), job("unlearner=none")]
    waves = {wave.name: len(wave.tasks) for wave in make_waves(jobs, tmp_path / "runs" / "sweep")}
    assert waves == {"originals": 1, "unlearned": 3 + 2, "evaluations": 3, "evidence": 3, "verdicts": 3}


def test_what_was_measured_belongs_to_the_result_and_not_to_the_job(tmp_path):
    usual, measured = ran(tmp_path, "a", "attack=head_sum"), ran(tmp_path, "b", *WORDS)
    assert job_of(usual) == job_of(measured)
    assert measured["identity"]["measured"] == measured["key_evaluation"]
    assert usual["identity"] | {"measured": measured["key_evaluation"]} == measured["identity"]
    assert usual["settings"] == measured["settings"]
    assert {name: measured[name] for name in usual if not name.startswith(("seconds", "memory", "stored"))}.keys() > {
        "asr"
    }


def test_a_run_with_another_evaluation_is_another_run(tmp_path):
    names = {
        run_name(_root_=composed(*words))
        for words in (["attack=head_sum"], WORDS, [*WORDS, "evaluation.relearn_most=9"])
    }
    assert len(names) == 3
    assert named({"directory": tmp_path / run_name(_root_=composed(*WORDS))})["screening"] == "threshold"


def test_an_older_config_has_none(tmp_path):
    config = composed(*overrides_in(tmp_path, "attack=head_sum"))
    with open_dict(config):
        del config["evaluation"]
    assert newer_settings(config)["evaluation"]["_target_"].endswith("NoEvaluation")
    assert "-threshold-" in run_name(_root_=config)


def test_a_ratio_of_seconds_is_that_of_one_machine(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS, "unlearner=ft")
    told = durations(pipeline)
    references = [pipeline.engine.artifact(roles(pipeline)[f"reference_{n}"]) for n in (0, 1)]
    mean = sum(artifact.meta["seconds"] for artifact in references) / 2
    assert told["seconds_ratio"] == pytest.approx(pipeline.artifact("unlearned").meta["seconds"] / mean)
    assert told["hardware"] == told["retrained_hardware"] == references[0].meta["hardware"]
    name = next(key for key, artifact in pipeline.engine.artifacts.items() if artifact is references[0])
    elsewhere = Artifact(**(vars(references[0]) | {"meta": references[0].meta | {"hardware": "another"}}))
    pipeline.engine.artifacts[name] = elsewhere
    assert durations(pipeline)["seconds_ratio"] is None


def test_a_search_may_go_by_what_was_measured(tmp_path):
    result = ran(tmp_path, "run", *WORDS)
    check_objective("evaluation.js_forget_test")
    assert value_of(result, "evaluation.js_forget_test") == result["evaluation"]["js_forget_test"]
    with pytest.raises(UserError, match=r"evaluation\.colour is no number of this run"):
        value_of(result, "evaluation.colour")
    with pytest.raises(UserError, match="what an evaluation measured"):
        check_objective("evaluation")


def test_it_draws_nothing_of_anybody_elses(tmp_path):
    before = torch.get_rng_state()
    pipeline_in(tmp_path, *WORDS).artifact("evaluation")
    assert torch.equal(torch.get_rng_state(), before)

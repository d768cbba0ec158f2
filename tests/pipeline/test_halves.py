"""An evaluation's shadow models: ordinary stages that learnt other samples, which sweeps share."""

import pytest
import torch

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.errors import Incompatible
from unlearnleak.pipeline.job import run_job

WORDS = ("attack=head_sum", "evaluation=u_lira", "evaluation.shadows=4")


def roles(pipeline):
    return pipeline.stages["evaluation"].parents


def test_a_shadow_model_is_an_original_and_what_is_made_of_it(tmp_path):
    found = roles(pipeline_in(tmp_path, *WORDS, "unlearner=ft", "defense=weight_noise"))
    assert set(found) == {"defended", *(f"half_{n}" for n in range(4))}
    line = found["half_2"]
    assert [line.name, line.parents["unlearned"].name, line.parents["unlearned"].parents["original"].name] == [
        "defended",
        "unlearned",
        "original",
    ]
    original = line.parents["unlearned"].parents["original"]
    assert original.payload["half"]["number"] == 2
    assert len({stage.key for stage in found.values()}) == 5


def test_originals_are_shared_by_all_unlearners_attacks_and_evaluations(tmp_path):
    def originals(*words):
        found = roles(pipeline_in(tmp_path, *words))
        return [
            stage.parents["original"].key
            for role, stage in found.items()
            if role.startswith("half_") and "before" not in role
        ]

    known = originals(*WORDS, "unlearner=ft")
    assert originals(*WORDS, "unlearner=ng") == originals(*WORDS, "unlearner=none") == known
    assert originals(*WORDS, "unlearner=ft", "seeds.attack=4", "attack=noise_prior") == known
    assert originals(*WORDS, "unlearner=ft", "evaluation.shadows=8")[:4] == known
    assert originals("attack=head_sum", "evaluation=ruli", "evaluation.shadows=4", "unlearner=ft") == known
    for word in ("forget_classes=[1]", "forget_share=0.5", "seeds.original=3"):
        assert not set(originals(*WORDS, "unlearner=ft", word)) & set(known), word


def test_models_before_are_seen_where_they_are_asked_for_alone(tmp_path):
    assert not [role for role in roles(pipeline_in(tmp_path, *WORDS)) if "before" in role or role == "original"]
    seen = roles(pipeline_in(tmp_path, "attack=head_sum", "evaluation=ruli", "evaluation.shadows=4"))
    assert {"original", "half_0_before", "half_3_before"} < set(seen)


def test_retraining_knows_which_half_was_learnt_though_it_has_no_original(tmp_path):
    found = roles(pipeline_in(tmp_path, *WORDS, "unlearner=rt", "forget_share=0.5"))
    assert set(found["half_0"].parents) == {"data"}
    assert found["half_0"].payload["half"] != found["half_1"].payload["half"]


def test_what_a_shadow_model_learnt_is_its_half_and_the_retained_images(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS, "unlearner=ft", "forget_classes=[0,2]")
    stage = roles(pipeline)["half_1"].parents["original"]
    counts = pipeline.engine.artifact(stage).meta["total_train"]
    halves = pipeline.halves
    assert counts == halves.training(1).class_counts().tolist()
    usual = pipeline.artifact("original").meta["total_train"]
    assert [counts[c] for c in (1, 3)] == [usual[c] for c in (1, 3)]
    assert counts[0] == pytest.approx((usual[0] + 5) / 2, abs=1)


CASES = {
    "none": ["unlearner=none"],
    "classes": ["unlearner=ft", "forget_classes=[0,2]"],
    "share": ["unlearner=ft", "forget_share=0.5"],
    "rows": ["unlearner=ft", "forget_rows=[3,6]"],
    "retrained": ["unlearner=rt"],
    "defence": ["unlearner=ft", "defense=finetune"],
    "labels": ["unlearner=ft", "defense=label_only"],
    "drawn answers": ["unlearner=ft", "defense=dropout_inference"],
    "tuned": ["unlearner=ft", "finetuning.samples=24"],
    "ledger": ["unlearner=au"],
    "control": ["unlearner=fewer_samples"],
}


@pytest.mark.parametrize("case", CASES)
def test_membership_is_measured_after_every_kind_of_forgetting(tmp_path, case):
    words = ["attack=head_sum", "evaluation=ruli", "evaluation.shadows=4", *CASES[case]]
    told = run_job(composed(*overrides_in(tmp_path, *words)), tmp_path / "run", sweep=False)["evaluation"]
    for name in ("auc", "efficacy_auc"):
        assert 0 <= told[f"{name}_low"] <= told[name] <= told[f"{name}_high"] <= 1
    assert told["tpr_at_1_in_100"] is None  # 5 or 10 held-out images
    assert told["n_held_out"] == (10 if case == "classes" else 5)
    assert told["n_forgotten"] > 0


def test_shadow_models_of_a_fine_tuning_stage_start_from_the_targets_pretrained_model(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS, "unlearner=ft", "finetuning.samples=24")
    original = roles(pipeline)["half_3"].parents["original"]
    assert original.parents["pretrained"].key == pipeline.key("pretrained")


@pytest.mark.parametrize("name", ["loss_threshold", "u_lira", "ruli"])
def test_a_model_from_a_file_is_refused(tmp_path, name):
    from safetensors.torch import save_file

    file = tmp_path / "unlearned.safetensors"
    save_file(
        pipeline_in(tmp_path, "attack=head_sum", "unlearner=none", "training.epochs=0").model("unlearned").state_dict(),
        file,
    )
    with pytest.raises(Incompatible, match=rf"^evaluation={name} has to know what the model was trained on"):
        pipeline_in(tmp_path, "attack=head_sum", f"evaluation={name}", "unlearner=imported", f"unlearner.path={file}")


def test_scores_are_kept_for_each_candidate(tmp_path):
    found = pipeline_in(tmp_path, *WORDS, "unlearner=ft").artifact("evaluation")
    assert found.tensors["score_P"].shape == found.tensors["forgotten_P"].shape
    assert int(found.tensors["forgotten_P"].sum()) == found.meta["found"]["n_forgotten"]
    assert torch.isfinite(found.tensors["score_P"]).all()

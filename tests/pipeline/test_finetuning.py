"""The fine-tuning stage: which images are learnt when, what retraining starts from, and what is asked of the model."""

import pytest
import torch

from tests.jobs import composed, images, overrides_in, pipeline_in, write_npz
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.machine import seeds
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.job import run_job
from unlearnleak.training.fit import fit

TUNED = ("attack=head_change", "training.epochs=8", "finetuning.samples=24", "finetuning.batch_size=8")


def images_of(data):
    return {image.numpy().tobytes() for image in data.images}


def test_the_stages_and_what_they_are_made_from(tmp_path):
    exact, approximate = (pipeline_in(tmp_path, *TUNED, f"unlearner={name}") for name in ("rt", "ft"))
    names = ["data", "pretrained", "original", "unlearned", "evidence", "verdict"]
    assert list(exact.stages) == list(approximate.stages) == names
    assert exact.stages["unlearned"].parents == {"pretrained": exact.stages["pretrained"]}
    assert approximate.stages["unlearned"].parents == {"original": approximate.stages["original"]}
    assert exact.key("original") == approximate.key("original")
    assert "pretrained" not in pipeline_in(tmp_path, *TUNED[:2]).stages


def test_no_image_is_learnt_in_both_phases_and_each_class_has_its_share(tmp_path):
    setting = pipeline_in(tmp_path, *TUNED, "unlearner=ft")
    phases, everything = setting.phases, setting.plan.resident.train
    assert len(phases.tuning) == 24
    assert phases.tuning.class_counts().tolist() == setting.learnt_counts == [6] * 4
    assert len(phases.pretraining) + 24 == len(everything)
    assert images_of(phases.pretraining) | images_of(phases.tuning) == images_of(everything)
    assert not images_of(phases.pretraining) & images_of(phases.tuning)
    assert images_of(setting.split.forget) <= images_of(phases.tuning)
    assert setting.split.forget.labels.tolist() == [3] * 6


def test_retraining_is_the_pretrained_model_tuned_without_what_is_forgotten(tmp_path):
    setting = pipeline_in(tmp_path, *TUNED, "unlearner=rt", "finetuning.lr=0.02", "finetuning.epochs=2")
    model = setting.model("pretrained")
    fit(
        model,
        setting.split.retain,
        setting.plan.finetuning,
        test=setting.plan.resident.test,
        generator=seeds.generator(setting.plan.seeds.unlearning, "unlearned", "batches"),
        label="by hand",
    )
    for name, value in model.state_dict().items():
        assert torch.equal(value, setting.artifact("unlearned").tensors[f"model.{name}"]), name


def test_a_stage_of_no_epochs_changes_nothing_and_one_that_trains_does(tmp_path):
    still = pipeline_in(tmp_path, *TUNED, "unlearner=ft", "finetuning.epochs=0")
    moved = pipeline_in(tmp_path, *TUNED, "unlearner=ft", "finetuning.lr=0.02")
    before = still.artifact("pretrained").tensors["model.head.weight"]
    assert still.key("pretrained") == moved.key("pretrained")
    assert torch.equal(still.artifact("original").tensors["model.head.weight"], before)
    assert not torch.equal(moved.artifact("original").tensors["model.head.weight"], before)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_class_may_stay_known_and_the_forgotten_samples_are_counted_alone(tmp_path, share):
    setting = pipeline_in(tmp_path, *TUNED, "unlearner=rt", f"forget_share={share}")
    numbers = evaluate_run(setting)
    assert numbers["forget_acc"] == 1.0  # the pretraining knew it
    assert numbers["gate"] == "passed"
    assert setting.artifact("unlearned").meta["total_forget"] == [0, 0, 0, round(6 * share)]
    assert numbers["forget_acc_samples"] == 1.0
    assert numbers["seconds_pretrained"] > 0


@pytest.mark.parametrize("unlearner", ["ng", "rl", "au", "ssd", "none"])
def test_every_unlearner_works_on_what_was_tuned(tmp_path, unlearner):
    config = composed(*overrides_in(tmp_path, *TUNED, f"unlearner={unlearner}"))
    result = run_job(config, tmp_path / "run", sweep=False)
    assert result["forget_level"] == ("class" if unlearner == "none" else "sample")
    assert run_job(config, tmp_path / "run", sweep=False) == result


@pytest.mark.slow
def test_statistics_of_batch_normalisation_stay_those_of_the_pretraining(tmp_path):
    write_npz(tmp_path / "images.npz", **images(side=32, train=14))
    words = (*TUNED, "model=resnet18", "unlearner=rt", "training.epochs=1", "finetuning.lr=0.02")
    frozen, free = (pipeline_in(tmp_path, *words, f"finetuning.freeze_statistics={how}") for how in (True, False))
    name = next(each for each in frozen.artifact("pretrained").tensors if each.endswith("bn1.running_mean"))
    before = frozen.artifact("pretrained").tensors[name]
    assert torch.equal(frozen.artifact("original").tensors[name], before)
    assert torch.equal(frozen.artifact("unlearned").tensors[name], before)
    assert not torch.equal(free.artifact("original").tensors[name], before)


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (["finetuning.samples=-1"], UserError, r"finetuning\.samples=-1"),
        (["finetuning.samples=many"], UserError, r"finetuning\.samples='many'"),
        (["finetuning.samples=3", "finetuning.lr=0"], UserError, "lr=0"),
        (["finetuning.samples=80"], UserError, "there are 56 training images"),
        (["finetuning.samples=3", "forget_classes=[3]"], UserError, "No sample of class 3 would be forgotten"),
        (["finetuning.samples=24", "forget_share=0.01"], UserError, "No sample of class 3 would be forgotten"),
        (["finetuning.samples=24", "unlearner=imported", "unlearner.path=x"], Incompatible, "nothing is trained there"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_trained(tmp_path, words, error, told):
    with pytest.raises(error, match=told):
        pipeline_in(tmp_path, "unlearner=ft", "attack=head_sum", *words).artifact("unlearned")
    assert not [folder for folder in tmp_path.glob("store/*") if folder.name in ("pretrained", "original")]

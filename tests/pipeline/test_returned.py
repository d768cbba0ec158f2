"""What components return is held against what they say: one line that names the component, and nothing is stored."""

import copy

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tests.jobs import pipeline_in
from unlearnleak.adversary.evidence import Confidences, Scores
from unlearnleak.adversary.threat import Access, ThreatModel
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.defense.weight_noise import WeightNoise
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.unlearner.ssd import SelectiveSynapticDampening


def wider(task):
    model = copy.deepcopy(task.original)
    model.head = nn.Linear(84, 7)
    return model


def spoilt(task):
    model = copy.deepcopy(task.original)
    with torch.no_grad():
        model.head.bias[0] = torch.nan
    return model


WRONG_MODELS = {
    "nothing": (lambda task: None, "unlearner=ssd returned a NoneType"),
    "a bare module": (lambda task: nn.Linear(2, 2), "unlearner=ssd returned a Linear"),
    "other classes": (wider, "unlearner=ssd returned another model than it was given: head"),
    "no numbers": (spoilt, "no numbers, though nothing was trained"),
}


@pytest.mark.parametrize(("unlearn", "told"), WRONG_MODELS.values(), ids=WRONG_MODELS.keys())
def test_a_wrong_model_is_told_and_not_stored(tmp_path, monkeypatch, unlearn, told):
    monkeypatch.setattr(SelectiveSynapticDampening, "unlearn", lambda self, task: unlearn(task))
    with pytest.raises(UserError, match=told):
        pipeline_in(tmp_path, "unlearner=ssd", "attack=head_sum").artifact("unlearned")
    assert not list(tmp_path.glob("store/unlearned/[0-9a-f]*"))


def test_a_defense_without_a_model_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(WeightNoise, "__call__", lambda self, model, split, generator: None)
    with pytest.raises(UserError, match="defense=weight_noise returned a NoneType"):
        pipeline_in(tmp_path, "defense=weight_noise", "attack=head_sum").artifact("defended")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "attack=head_sum returned a NoneType, and names Scores"),
        (Confidences(samples_KMF=torch.zeros(4, 1, 1)), "attack=head_sum returned a Confidences"),
        (Scores(samples_KMF=torch.zeros(3, 1, 1)), "evidence about 3 classes, and there are 4"),
    ],
    ids=["nothing", "another kind", "other classes"],
)
def test_wrong_evidence_is_told_and_not_stored(tmp_path, monkeypatch, found, told):
    monkeypatch.setattr(HeadSum, "__call__", lambda self, view, generator: found)
    with pytest.raises(UserError, match=told):
        pipeline_in(tmp_path, "attack=head_sum").artifact("evidence")
    assert not list(tmp_path.glob("store/evidence/[0-9a-f]*"))


def test_an_attack_without_a_threat_model_is_told(tmp_path, monkeypatch):
    monkeypatch.delattr(HeadSum, "threat")
    with pytest.raises(UserError, match=r"attack\._target_=.*HeadSum has no `threat`"):
        pipeline_in(tmp_path, "attack=head_sum")


# Somebody else's model


@pytest.fixture
def imported(tmp_path):
    """Words for a run of somebody else's model."""
    save_file(pipeline_in(tmp_path, "unlearner=rt").model("unlearned").state_dict(), tmp_path / "w.safetensors")
    return ["unlearner=imported", f"unlearner.path={tmp_path / 'w.safetensors'}", "attack=head_sum"]


def test_a_defense_of_it_has_what_is_forgotten_in_its_key(tmp_path, imported):
    keys = {
        pipeline_in(tmp_path, *imported, "defense=weight_noise", *more).key("defended")
        for more in ((), ("forget_classes=[1]",), ("forget_share=0.5",), ("forget_share=0.4",))
    }
    assert len(keys) == 4


@pytest.mark.parametrize("defense", ["none", "weight_noise"])
def test_a_part_of_a_class_is_measured_on_it(tmp_path, imported, defense):
    pipeline = pipeline_in(tmp_path, *imported, f"defense={defense}", "forget_classes=[1]", "forget_share=0.5")
    numbers = evaluate_run(pipeline)
    model, images = pipeline.model(pipeline.attacked), pipeline.split.forget
    with torch.no_grad():
        hits = model(model.normalize(images.images)).argmax(1) == images.labels
    assert numbers["forget_acc_samples"] == pytest.approx(hits.float().mean().item())


def test_no_shadow_models_are_made_of_a_model_whose_making_is_unknown(tmp_path, monkeypatch, imported):
    monkeypatch.setattr(HeadSum, "threat", ThreatModel(target=Access.WHITE, shadow_models=4))
    with pytest.raises(Incompatible, match="makes shadow models"):
        pipeline_in(tmp_path, *imported)


def test_whole_numbers_are_no_weights(tmp_path, imported):
    state = pipeline_in(tmp_path, *imported).model("imported").state_dict()
    save_file({name: value.int() for name, value in state.items()}, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="must be floating point"):
        pipeline_in(tmp_path, *imported).artifact("imported")


def test_a_stage_that_a_job_has_not_is_left_out_of_a_sweep(tmp_path):
    with pytest.raises(Incompatible, match="until=defended is not possible"):
        _ = pipeline_in(tmp_path, "until=defended").last

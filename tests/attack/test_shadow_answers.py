"""shadow_answers: what it finds on its own, and what the defence's knowledge is worth to it."""

import pytest
import torch

from tests.jobs import pipeline_in
from unlearnleak.attack.shadow_answers import ShadowAnswers
from unlearnleak.defense.weight_noise import WeightNoise
from unlearnleak.pipeline.evaluate import evaluate_run

WORDS = ("attack=shadow_answers", "training.epochs=8")


def test_a_retrained_model_is_found_out_and_asked_about_the_auxiliary_samples_alone(tmp_path):
    numbers = evaluate_run(pipeline_in(tmp_path, *WORDS, "unlearner=rt"))
    assert numbers["verdict"] == numbers["forgotten"] == [3]
    assert numbers["queries"] == 24  # six of each class, of the target: shadow models are the attacker's own


def test_the_controls_shadow_models_are_those_of_retraining(tmp_path):
    control, retrained = (pipeline_in(tmp_path, *WORDS, f"unlearner={name}") for name in ("none", "rt"))
    roles = [f"shadow_{number}" for number in range(8)]
    both = [{role: each.stages["evidence"].parents[role].key for role in roles} for each in (control, retrained)]
    assert both[0] == both[1]
    assert evaluate_run(control)["verdict"] == []


def blurred(self, model, x_NCHW, generator):
    return (model(x_NCHW) / 50).softmax(1)


@pytest.mark.parametrize("knows", [True, False])
def test_who_knows_the_defense_puts_it_before_its_own_models(tmp_path, monkeypatch, knows):
    largest, read = [], ShadowAnswers.read

    def reading(self, model, auxiliary):
        largest.append(model.probabilities(auxiliary.images.float() / 255).max().item())
        return read(self, model, auxiliary)

    monkeypatch.setattr(WeightNoise, "answer", blurred)
    monkeypatch.setattr(ShadowAnswers, "read", reading)
    words = ("unlearner=rt", "defense=weight_noise", "defense.scale=0", f"attack.knows_defense={knows}")
    pipeline = pipeline_in(tmp_path, *WORDS, *words)
    pipeline.artifact("evidence")
    assert [each < 0.3 for each in largest] == [True, *[knows] * 8]  # the target's answers first
    names = {pipeline.stages["evidence"].parents[f"shadow_{number}"].name for number in range(8)}
    assert names == ({"defended"} if knows else {"original", "unlearned"})
    assert evaluate_run(pipeline)["exact_match"] or not knows


def test_shadow_models_are_defended_for_what_they_forgot_themselves(tmp_path, monkeypatch):
    told = []

    def defend(self, model, split, generator):
        told.append((split.classes, split.forget.labels.unique().tolist()))
        return model

    monkeypatch.setattr(WeightNoise, "__call__", defend)
    pipeline = pipeline_in(tmp_path, *WORDS, "unlearner=ft", "defense=weight_noise")
    pipeline.artifact("evidence")
    assert sorted(told) == sorted([((3,), [3]), *((each := pipeline.shadow_set(n).classes, [*each]) for n in range(8))])


def test_without_a_defense_its_knowledge_changes_only_the_key(tmp_path):
    found = [
        pipeline_in(tmp_path, *WORDS, "unlearner=rt", f"attack.knows_defense={knows}").artifact("evidence")
        for knows in (True, False)
    ]
    assert found[0].key != found[1].key
    assert torch.equal(found[0].tensors["aligned_KMF"], found[1].tensors["aligned_KMF"])

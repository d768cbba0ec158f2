"""Defences of answers: who asks is told what the defence makes of them, and who sees the weights sees through it."""

import pytest
import torch

from tests.jobs import pipeline_in
from unlearnleak.adversary.access import BlackBox, LabelOnly
from unlearnleak.defense.weight_noise import WeightNoise
from unlearnleak.pipeline.evaluate import evaluate_run

SHORT = ("training.epochs=8", "unlearner=ft")
DEFENDED = (*SHORT, "defense=weight_noise", "defense.scale=0")


@pytest.fixture
def shifted(monkeypatch):
    """weight_noise without noise, but with answers that name the class after the likeliest."""

    def answer(self, model, x_NCHW, generator):
        assert not model.training
        return model(x_NCHW).softmax(1).roll(1, dims=1)

    monkeypatch.setattr(WeightNoise, "answer", answer)


def test_the_black_box_is_told_what_the_defense_makes_of_the_answers(tmp_path, shifted):
    plain = pipeline_in(tmp_path, *SHORT, "attack=noise_prior").artifact("evidence").tensors["samples_KMF"]
    told = pipeline_in(tmp_path, *DEFENDED, "attack=noise_prior").artifact("evidence").tensors["samples_KMF"]
    torch.testing.assert_close(told, plain.roll(1, dims=0))


def test_a_white_box_sees_through_them(tmp_path, shifted):
    plain = pipeline_in(tmp_path, *SHORT, "attack=head_sum").artifact("evidence").tensors["samples_KMF"]
    seen = pipeline_in(tmp_path, *DEFENDED, "attack=head_sum").artifact("evidence").tensors["samples_KMF"]
    assert torch.equal(seen, plain)


def test_the_accuracy_of_a_defended_model_is_that_of_its_answers(tmp_path, shifted):
    numbers = evaluate_run(pipeline_in(tmp_path, *DEFENDED, "attack=head_sum"))
    assert numbers["undefended_retain_acc"] > 0.8
    assert numbers["retain_acc"] < 0.2


@pytest.mark.parametrize(("access", "method"), [(BlackBox, "probabilities"), (LabelOnly, "labels")])
def test_random_answers_go_on_from_query_to_query(original, access, method):
    draw = torch.Generator().manual_seed(3)
    box = access(original.model, lambda model, x_NCHW: torch.rand(len(x_NCHW), 10, generator=draw))
    images = torch.rand(50, *original.model.image_shape)
    first, second = getattr(box, method)(images), getattr(box, method)(images)
    assert not torch.equal(first, second)
    assert box.queries == 100

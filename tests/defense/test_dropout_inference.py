"""dropout_inference: which features are left out, by whose draw, and what many queries make of it."""

import copy

import pytest
import torch
from torch import nn

from tests.defense.answers import asked
from unlearnleak.adversary.access import BlackBox
from unlearnleak.defense.dropout_inference import DropoutInference
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base.wrapped import Wrapped
from unlearnleak.pipeline.evaluate import evaluate_run


def test_features_are_left_out_by_a_draw_for_each_image(original, digits):
    images = digits.test.images[:25]
    told, _ = asked(DropoutInference(share=0.3), original.model, images)
    model, draw = original.model, generator(0, "answers")
    kept = torch.rand(25, 84, generator=draw) >= 0.3
    with torch.no_grad():
        phi = model.features(model.normalize(images))
        by_hand = [
            torch.softmax(model.head.weight @ (p * k / 0.7) + model.head.bias, 0)
            for p, k in zip(phi, kept, strict=True)
        ]
    torch.testing.assert_close(told, torch.stack(by_hand), rtol=1e-4, atol=1e-6)
    assert 0.6 < kept.float().mean() < 0.8


def test_nothing_left_out_changes_nothing(original, digits):
    told, plain = asked(DropoutInference(share=0.0), original.model, digits.test.images)
    torch.testing.assert_close(told, plain)


def test_the_same_seed_gives_the_same_answers_and_how_many_are_asked_at_once_does_not_matter(original, digits):
    defense, images = DropoutInference(share=0.5), digits.test.images[:40].float() / 255
    first, again, other = (BlackBox(original.model, defense.answering(generator(seed))) for seed in (0, 0, 1))
    together = first.probabilities(images)
    apart = torch.cat([again.probabilities(part) for part in images.split(7)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(together, other.probabilities(images))
    assert not torch.allclose(together, first.probabilities(images))  # drawn anew at every query


def test_many_queries_come_near_the_decision_of_the_undefended_model(original, digits):
    images = digits.test.images
    draw, model = generator(0), original.model
    with torch.no_grad():
        x = model.normalize(images)
        answers = [DropoutInference(share=0.5).answer(model, x, draw) for _ in range(30)]
        plain = model(x).argmax(1)
    once, often = (answers[0].argmax(1) == plain).float().mean(), (sum(answers).argmax(1) == plain).float().mean()
    assert often > max(once, 0.97)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(UserError, match=r"defense\.share="):
        DropoutInference(share=share)


def test_batch_normalisation_keeps_its_statistics_and_another_s_model_its_layers(resnet):
    images = torch.randint(0, 256, (6, 1, 32, 32), dtype=torch.uint8, generator=generator(0))
    asked(DropoutInference(share=0.5), resnet, images)
    body = nn.Sequential(nn.Flatten(), nn.Linear(1024, 8), nn.ReLU(), nn.Linear(8, 4))
    shape = {"image_shape": (1, 32, 32), "num_classes": 4, "mean": (0.5,), "std": (0.5,)}
    told, plain = asked(DropoutInference(share=0.5), Wrapped(body, head="3", **shape).eval(), images)
    assert not torch.allclose(told, plain)
    with pytest.raises(UserError, match="defense=dropout_inference works on the model's last linear layer"):
        asked(DropoutInference(share=0.5), Wrapped(copy.deepcopy(body), head=None, **shape).eval(), images)


@pytest.mark.slow
def test_in_a_run_answers_are_random_accuracies_too_and_both_are_the_same_again(digits_job, tmp_path):
    words = ("attack=aux_confidence", "defense=dropout_inference", "defense.share=0.8")
    numbers = evaluate_run(digits_job(*words))
    assert numbers["retain_acc"] < numbers["undefended_retain_acc"]
    again = digits_job(*words, f"store={tmp_path}")
    assert evaluate_run(again)["retain_acc"] == numbers["retain_acc"]
    first, second = (job.artifact("evidence").tensors["samples_KMF"] for job in (digits_job(*words), again))
    assert torch.equal(first, second)
    plain = digits_job("attack=aux_confidence").artifact("evidence").tensors["samples_KMF"]
    assert first.std() > 0
    assert not torch.allclose(first, plain)

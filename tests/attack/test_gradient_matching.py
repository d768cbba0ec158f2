"""gradient_matching: which labels it searches with, that it recovers, and what a result says of it."""

import copy
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.attack.victims import Linear, configured
from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.gradient_matching import GradientMatching
from unlearnleak.config.objective import NUMBERS, value_of
from unlearnleak.errors import UserError
from unlearnleak.metric.reconstruction import RECONSTRUCTION_METRICS
from unlearnleak.pipeline import record
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.job import run_job

SHAPE = (1, 8, 8)


def attacked(before, after, seed=0, **changes):
    attack = configured("gradient_matching", **{"steps": 200, "restarts": 2} | changes)
    view = view_of(attack.threat, target=after, original=before)
    return attack(view, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def models():
    """A linear model, the same after a step up the loss of one image of class 3, and that image."""
    before = Linear(image_shape=SHAPE, num_classes=5, scale=0.05)
    image_NCHW = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(5))
    after = copy.deepcopy(before)
    F.cross_entropy(after(after.normalize(image_NCHW)), torch.tensor([3])).backward()
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.add_(parameter.grad, alpha=0.1)
    return before, after, image_NCHW


def error(evidence, image_NCHW):
    return (evidence.images_NCHW - image_NCHW).square().mean().item()


def test_the_forgotten_image_and_its_label_are_recovered(models):
    before, after, image_NCHW = models
    evidence = attacked(before, after)
    assert evidence.labels_N.tolist() == [3]
    assert evidence.queries == 0
    noise = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(6))
    assert error(evidence, image_NCHW) < 0.1 * (noise - image_NCHW).square().mean().item()


def test_a_model_that_was_not_unlearned_gives_no_image_away(models):
    before, after, image_NCHW = models
    assert error(attacked(before, copy.deepcopy(before)), image_NCHW) > 10 * error(attacked(before, after), image_NCHW)


def test_labels_may_be_given_and_a_wrong_one_finds_another_image(models):
    before, after, image_NCHW = models
    given, wrong = (attacked(before, after, labels=[label]) for label in (3, 1))
    assert error(given, image_NCHW) == error(attacked(before, after), image_NCHW)
    assert wrong.objective > given.objective
    assert attacked(before, after, labels=[4], images=2, steps=1).labels_N.tolist() == [4, 4]
    assert attacked(before, after, labels=[4, 0], images=2, steps=1).labels_N.tolist() == [4, 0]


def test_a_seed_decides_the_starts(models):
    before, after, _ = models
    one, again, other = (attacked(before, after, seed, steps=3).images_NCHW for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


SETTINGS = {"images": 1, "labels": "inferred", "restarts": 1, "steps": 1, "lr": 0.1, "tv": 0.0}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"images": 0}, "attack.images=0 is not possible"),
        ({"labels": "known"}, "attack.labels=known is not possible: inferred, signs, changes, or a list of classes"),
        ({"labels": [1, 2], "images": 3}, r"attack.labels=\[1, 2\] is not possible: one class for all images"),
        ({"labels": []}, r"attack.labels=\[\] is not possible"),
        ({"labels": [-1]}, r"attack.labels=\[-1\] is not possible"),
    ],
)
def test_a_setting_that_cannot_be_is_named(changes, why):
    with pytest.raises(UserError, match=why):
        GradientMatching(**SETTINGS | changes)


def test_a_class_that_there_is_not_is_named_before_anything_is_trained(tmp_path):
    pipeline = pipeline_in(tmp_path, "attack=gradient_matching", "attack.labels=[4]")
    with pytest.raises(UserError, match=r"attack.labels=\[4\] is not possible: classes are numbers from 0 to 3"):
        pipeline.artifact("original")


WORDS = ("unlearner=ng", "attack=gradient_matching", "attack.images=2", "forget_rows=[0,1]", "forget_classes=[1]")


def test_a_result_has_its_numbers_beside_those_of_the_placebos_and_no_verdict(tmp_path):
    config = composed(*overrides_in(tmp_path, *WORDS))
    result = run_job(config, tmp_path / "run", sweep=False)
    assert result["screening"] == "none"
    assert result["verdict"] is None
    assert set(RECONSTRUCTION_METRICS) <= set(NUMBERS)
    written = json.loads((tmp_path / "run" / "result.json").read_text())
    assert all(-1 <= written[name] < 100 for name in RECONSTRUCTION_METRICS)
    assert written["reconstruction_mse_class_mean"] < written["reconstruction_mse_placebo"]
    assert value_of(result, "reconstruction_psnr") == written["reconstruction_psnr"]
    told = record.summary(result, tmp_path)
    assert f"recovered MSE {result['reconstruction_mse']:.4f} (a retained image" in told
    assert all(len(line) <= 100 for line in told.splitlines()[:-1])


def test_it_is_measured_against_the_forgotten_images_also_of_the_control_and_when_resumed(tmp_path):
    pipeline = pipeline_in(tmp_path, *WORDS)
    first = evaluate_run(pipeline)
    found_NCHW = pipeline.artifact("evidence").tensors["images_NCHW"]
    images = np.load(tmp_path / "images.npz")
    truth = pipeline.split.forget.images.float() / 255
    assert len(truth) == 2
    assert all(
        any(np.array_equal(image[0] * 255, other) for other in images["train_images"]) for image in truth.numpy()
    )
    pairs = min((found_NCHW[list(order)] - truth).square().mean().item() for order in ((0, 1), (1, 0)))
    assert first["reconstruction_mse"] == pytest.approx(pairs, rel=1e-5)
    again = evaluate_run(pipeline_in(tmp_path, *WORDS))
    assert again["stored_evidence"]
    assert {name: again[name] for name in RECONSTRUCTION_METRICS} == {
        name: first[name] for name in RECONSTRUCTION_METRICS
    }
    control = evaluate_run(pipeline_in(tmp_path, *WORDS, "unlearner=none"))
    for name in RECONSTRUCTION_METRICS:
        if name != "reconstruction_labels":
            same = name.endswith(("_placebo", "_class_mean"))
            assert (control[name] == first[name]) == same, name


def test_other_attacks_have_no_such_numbers(tmp_path):
    assert not set(RECONSTRUCTION_METRICS) & set(evaluate_run(pipeline_in(tmp_path, "attack=head_sum")))

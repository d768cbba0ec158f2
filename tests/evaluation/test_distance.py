"""distance: against what the numbers are by hand, and against truths that it must not miss."""

import copy
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.evaluation.made import subject
from unlearnleak.data import ForgetSplit
from unlearnleak.errors import UserError
from unlearnleak.evaluation.distance import Distance, linear_probe, probed_images

SETTINGS = {
    "references": 2,
    "probe_per_class": 30,
    "relearn_samples": 40,
    "relearn_batch": 16,
    "relearn_lr": 0.004,
    "relearn_most": 60,
    "relearn_level": 0.9,
}
PARTS = ("forget_test", "forget_train", "retain_test")


@pytest.fixture(scope="module")
def models(original, digits, fresh_lenet):
    """The original, one whose head never answers 3, and one with initial weights."""
    wiped = copy.deepcopy(original.model)
    with torch.no_grad():
        wiped.head.bias[3] = -20.0
    return {"original": original.model.eval(), "wiped": wiped.eval(), "fresh": fresh_lenet().eval()}


def measured(splits, models, target, references, **changed):
    chosen = [models[name] for name in references]
    evaluation = Distance(**(SETTINGS | {"references": len(references)}))
    return evaluation(
        subject(splits, models[target], original=models["original"], references=chosen, **changed)
    ).numbers


def answers(model, images):
    with torch.no_grad():
        return model(model.normalize(images)).double().softmax(1).numpy()


def test_divergences_and_shares_are_means_over_references_and_pairs(digits, models):
    found = measured(digits, models, "wiped", ["original", "fresh", "wiped"])
    images = {
        "forget_test": digits.test.of((3,)).images,
        "forget_train": ForgetSplit.of(digits.train, (3,)).forget.images,
        "retain_test": digits.test.without((3,)).images,
    }
    for part in PARTS:
        p = {name: answers(model, images[part]) for name, model in models.items()}

        def js(one, other, p=p):
            with np.errstate(invalid="ignore"):  # of answers that are alike, rounding may leave a sum just below 0
                return np.nan_to_num(jensenshannon(p[one], p[other], axis=1) ** 2, nan=0.0).mean()

        def tv(one, other, p=p):
            counts = [np.bincount(p[name].argmax(1), minlength=10) / len(p[name]) for name in (one, other)]
            return np.abs(counts[0] - counts[1]).sum() / 2

        for name, by_hand in (("js", js), ("tv", tv)):
            pairs = [by_hand(*pair) for pair in combinations(models, 2)]
            assert found[f"retrained_{name}_{part}"] == pytest.approx(np.mean(pairs), rel=1e-4)
            for prefix, model in (("", "wiped"), ("original_", "original")):
                mean = np.mean([by_hand(model, each) for each in models])
                assert found[f"{prefix}{name}_{part}"] == pytest.approx(mean, rel=1e-4, abs=1e-9)
    shares = np.bincount(answers(models["wiped"], images["forget_test"]).argmax(1), minlength=10) / len(
        images["forget_test"]
    )
    assert found["shares_forget_test"] == pytest.approx(shares)
    assert sum(found["retrained_shares_forget_test"]) == pytest.approx(1)
    assert found["shares_forget_test"][3] == 0
    assert found["original_shares_forget_test"][3] > 0.8


def test_alignment_is_the_mean_over_references_and_pairs_of_what_it_is_by_hand(digits, models):
    """Kornblith et al. 2019, eq. 6 with linear kernels: centred Gram matrices, their products and their norms."""
    found = measured(digits, models, "wiped", ["original", "fresh", "wiped"])
    images = digits.test.without((3,)).images
    grams = {}
    for name, model in models.items():
        with torch.no_grad():
            x = model.features(model.normalize(images)).double().numpy()
        x = x - x.mean(0)
        grams[name] = x @ x.T

    def by_hand(one, other):
        k, m = grams[one], grams[other]
        return (k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())

    assert found["cka_retain_test"] == pytest.approx(np.mean([by_hand("wiped", name) for name in models]), rel=1e-3)
    pairs = [by_hand(*pair) for pair in combinations(models, 2)]
    assert found["retrained_cka_retain_test"] == pytest.approx(np.mean(pairs), rel=1e-3)


def test_the_probe_has_so_many_training_images_of_each_class_the_forgotten_ones_among_them(digits, models):
    task = subject(digits, models["wiped"], original=models["original"], references=[models["fresh"]] * 2)
    for per_class in (7, 30):
        data = probed_images(task, per_class)
        assert data.class_counts().tolist() == [per_class] * 10
        known = {image.numpy().tobytes() for image in digits.train.images}
        assert all(image.numpy().tobytes() in known for image in data.images)
    assert probed_images(task, 10**6).class_counts().tolist() == digits.train.class_counts().tolist()


def test_what_is_relearned_are_samples_of_the_forget_set(digits, models, monkeypatch):
    seen = []

    def watched(model, data, level, **how):
        seen.append(data)
        return 1.0

    monkeypatch.setattr("unlearnleak.evaluation.distance.relearn_steps", watched)
    measured(digits, models, "wiped", ["fresh", "fresh"])
    forgotten = {image.numpy().tobytes() for image in ForgetSplit.of(digits.train, (3,)).forget.images}
    assert [len(data) for data in seen] == [40] * 3
    assert all(image.numpy().tobytes() in forgotten for data in seen for image in data.images)


def test_a_model_that_is_its_reference_is_no_distance_away(digits, models):
    found = measured(digits, models, "wiped", ["wiped", "wiped"])
    for part in PARTS:
        assert (found[f"js_{part}"], found[f"tv_{part}"]) == (0, 0)
        assert found[f"cka_{part}"] == pytest.approx(1)
    assert found["relearn_steps"] == found["retrained_relearn_steps"]
    assert found["probe_forget"] == found["retrained_probe_forget"]


def test_features_that_a_head_hides_are_found_by_the_probe_and_by_alignment(digits, models):
    """The head says 3 of nothing; what the features know of it is all there."""
    found = measured(digits, models, "wiped", ["fresh", "fresh"])
    assert found["probe_forget"] == found["original_probe_forget"] > 0.8
    assert found["probe_retain"] > found["retrained_probe_retain"]
    assert found["cka_forget_test"] == found["original_cka_forget_test"] < 0.9
    assert found["js_forget_test"] != found["original_js_forget_test"]


def test_what_was_only_hidden_is_relearned_sooner_than_what_was_never_known(digits, models):
    found = measured(digits, models, "wiped", ["fresh", "fresh"])
    assert 0 < found["relearn_steps"] < found["retrained_relearn_steps"]
    assert 0.8 < found["relearn_level"] <= 0.9
    assert measured(digits, models, "original", ["fresh", "fresh"])["relearn_steps"] == 0


def test_several_classes_and_parts_of_one_are_measured(digits, models):
    found = measured(digits, models, "wiped", ["original", "fresh"], split=ForgetSplit.of(digits.train, (3, 5)))
    assert 0.3 < 1 - found["original_js_forget_test"] <= 1
    train = digits.train
    chosen_N = (train.labels == 3) & (torch.arange(len(train)) % 2 == 0)
    half = ForgetSplit(train.select(chosen_N), train.select(~chosen_N), (3,), "sample")
    assert measured(digits, models, "wiped", ["original", "fresh"], split=half)["js_forget_train"] > 0


def test_the_probe_is_a_logistic_regression_on_standardised_features():
    draw = np.random.default_rng(0)
    x, y = draw.normal(5, 30, (60, 4)), np.arange(60) % 3
    scaled = StandardScaler().fit(x)
    by_hand = LogisticRegression(max_iter=1000).fit(scaled.transform(x), y)
    assert (linear_probe(x, y).predict(x) == by_hand.predict(scaled.transform(x))).all()


def test_it_is_the_same_under_a_seed_whatever_others_draw(digits, models):
    first = measured(digits, models, "wiped", ["original", "fresh"])
    torch.rand(3)
    assert measured(digits, models, "wiped", ["original", "fresh"]) == first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("references", 1), ("probe_per_class", 0), ("relearn_samples", 0), ("relearn_batch", 0)),
        *(("relearn_lr", 0.0), ("relearn_most", 0), ("relearn_level", 0.0), ("relearn_level", 1.5)),
    ],
)
def test_settings_that_cannot_be_are_named(name, value):
    with pytest.raises(UserError, match=rf"evaluation\.{name}={value}"):
        Distance(**(SETTINGS | {name: value}))

"""Attacks on one target in one process compute the features of the attacker's samples once, to the same bits."""

import pytest
import torch

from tests.jobs import pipeline_in
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.remembered import forget

ATTACKS = ("param_dot", "param_diff", "param_confidence", "relearn", "inversion_shadow")
SAMPLES = 24  # six of each of four classes; an inversion also looks at what it found, 72 images
OTHERS = ["unlearner=rl", "seed=1", "defense=prune", "auxiliary.per_class=3"]


@pytest.fixture
def passes(monkeypatch):
    """The numbers of samples whose features a white box was asked for without gradients, which a descent needs."""
    seen, features = [], WhiteBox.features

    def counted(self, x_NCHW):
        if not torch.is_grad_enabled():
            seen.append(len(x_NCHW))
        return features(self, x_NCHW)

    monkeypatch.setattr(WhiteBox, "features", counted)
    forget()
    yield seen
    forget()


def evidence(folder, store, attack, *words):
    words = [f"attack={attack}", "unlearner=ft", f"store={folder / store}", *words]
    return pipeline_in(folder, *words).artifact("evidence").tensors


def test_features_are_computed_once_for_all_attacks_and_are_the_same(tmp_path, passes):
    shared = {attack: evidence(tmp_path, "one", attack) for attack in ATTACKS}
    assert passes.count(SAMPLES) == 1
    for attack in ATTACKS:
        forget()
        alone = evidence(tmp_path, "other", attack)
        assert alone.keys() == shared[attack].keys()
        assert all(torch.equal(alone[name], tensor) for name, tensor in shared[attack].items()), attack
    assert passes.count(SAMPLES) == 1 + len(ATTACKS)  # none of them twice in one job


@pytest.mark.parametrize("other", OTHERS)
def test_another_target_or_other_samples_have_features_of_their_own(tmp_path, passes, other):
    evidence(tmp_path, "one", "param_dot", "attack.subset_size=3")
    evidence(tmp_path, "one", "param_dot", "attack.subset_size=3", other)
    assert len(passes) == 2


def test_a_target_that_was_computed_anew_is_another(tmp_path, passes):
    pipeline = pipeline_in(tmp_path, "attack=param_dot", "unlearner=ft")
    place = pipeline.artifact("unlearned").path
    first = pipeline.known_as(pipeline.artifact("unlearned"))
    assert first == pipeline.known_as(pipeline.artifact("unlearned"))
    place.touch()
    assert pipeline.known_as(pipeline.artifact("unlearned")) != first

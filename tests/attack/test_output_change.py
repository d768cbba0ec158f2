"""output_change: against one probe at a time, and what it says of models that forgot."""

import copy

import pytest
import torch
from hydra.errors import InstantiationException

from tests.attack import slow_probes
from tests.attack.victims import Linear, configured, lowest, retrained
from unlearnleak.adversary.view import view_of

FEW = {"probes": 3, "used": 2, "restarts": 2}


def attack(before, after, seed=0, **changes):
    component = configured("output_change", **changes)
    return component(view_of(component.threat, target=after, original=before), torch.Generator().manual_seed(seed))


def slowly(before, after, seed=0, **changes):
    search, draw = configured("output_change", **changes).search, torch.Generator().manual_seed(seed)
    start_RNX = slow_probes.starts(search, before.num_classes, torch.Size(before.image_shape).numel(), draw)
    return slow_probes.evidence(before, after, search, start_RNX, range(before.num_classes))


@pytest.mark.parametrize("loss", ["log", "margin"])
def test_all_probes_in_one_batch_are_those_made_one_at_a_time(loss):
    before, after = Linear(0, scale=0.3), Linear(1)
    settings = {**FEW, "steps": 4, "accept": 0.9, "loss": loss}
    change_KU, accepted = slowly(before, after, **settings)
    evidence = attack(before, after, **settings)
    assert (evidence.kind, evidence.queries) == ("score", 0)
    torch.testing.assert_close(evidence.samples_KMF[..., 0], change_KU, atol=1e-5, rtol=0)
    assert evidence.accepted_K.tolist() == accepted
    assert 0 < sum(accepted) < 15  # some need another start, some never get there


def test_a_network_is_probed_like_that_too():
    settings = {**FEW, "steps": 8, "accept": 0.97}
    change_KU, accepted = slowly(retrained(), retrained(3), **settings)
    evidence = attack(retrained(), retrained(3), **settings)
    torch.testing.assert_close(evidence.samples_KMF[..., 0], change_KU, atol=5e-3, rtol=0)
    assert evidence.accepted_K.tolist() == accepted


def test_a_chunk_bounds_what_is_held_and_changes_no_more_than_rounding():
    before, after = Linear(0, scale=0.3), Linear(1)
    whole, parts = (attack(before, after, **FEW, steps=10, chunk=chunk) for chunk in (None, 4))
    torch.testing.assert_close(whole.samples_KMF, parts.samples_KMF, atol=1e-4, rtol=0)


def test_the_class_that_only_the_model_before_knew_falls_farthest():
    for forgotten in ((3,), (8,)):
        evidence = attack(retrained(), retrained(*forgotten), probes=4, used=4, restarts=3)
        assert lowest(evidence.samples_KMF.mean((1, 2)), 1) == set(forgotten)
        assert (evidence.before_KP > 0.9).all()


def test_a_model_that_did_not_change_says_nothing():
    evidence = attack(retrained(), copy.deepcopy(retrained()), **FEW, steps=10)
    torch.testing.assert_close(evidence.samples_KMF, torch.zeros(10, 2, 1), atol=1e-5, rtol=0)


def test_a_class_without_an_accepted_probe_is_probed_with_its_surest_and_that_is_told():
    before = Linear(0)
    before.head.bias.data[2] = -1e5  # nothing makes it likely
    evidence = attack(before, Linear(1), **FEW, steps=5)
    assert evidence.accepted_K[2] == 0
    assert (evidence.before_KP[2] == 0).all()
    assert evidence.samples_KMF.isfinite().all()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"probes": 0}, r"attack\.probes=0"),
        ({"used": 21}, r"attack\.used=21 is not possible: 1 to attack\.probes=20"),
        ({"steps": 0}, r"attack\.steps=0"),
        ({"lr": 0.0}, r"attack\.lr=0\.0"),
        ({"accept": 1.0}, r"attack\.accept=1\.0"),
        ({"restarts": 0}, r"attack\.restarts=0"),
        ({"loss": "hinge"}, r"attack\.loss=hinge is unknown: take one of log, margin"),
        ({"chunk": 0}, r"attack\.chunk=0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(changes, named):
    with pytest.raises(InstantiationException, match=named):
        configured("output_change", **changes)

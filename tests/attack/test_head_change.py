"""head_change: against a plain loop, and what it needs of both models."""

import copy

import pytest
import torch

from tests.attack.victims import Linear, configured
from tests.jobs import pipeline_in
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.threat import Access
from unlearnleak.adversary.view import view_of
from unlearnleak.errors import AccessDenied


def attack(before, after):
    component = configured("head_change")
    return component(view_of(component.threat, target=after, original=before), torch.Generator())


def moved(model, classes, by):
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed.head.weight[list(classes)] += by
        changed.head.bias[list(classes)] -= by
    return changed


def test_it_is_each_rows_mean_change_and_its_biass_as_a_share():
    before = Linear()
    after = moved(before, (1,), 0.5)
    after = moved(after, (3,), 0.25)
    change = []
    for c in range(5):
        row = [abs(a - b) for a, b in zip(after.head.weight[c].tolist(), before.head.weight[c].tolist(), strict=True)]
        change.append(sum(row) / len(row) + abs(after.head.bias[c].item() - before.head.bias[c].item()))
    evidence = attack(before, after)
    assert (evidence.kind, evidence.queries) == ("score", 0)
    expected = [-value / sum(change) for value in change]
    torch.testing.assert_close(evidence.samples_KMF[:, 0, 0], torch.tensor(expected))
    assert evidence.samples_KMF[:, 0, 0].argsort()[:2].tolist() == [1, 3]


def test_a_model_that_did_not_change_says_nothing():
    before = Linear()
    assert attack(before, copy.deepcopy(before)).samples_KMF.count_nonzero() == 0


def test_its_stage_is_made_from_both_models(tmp_path):
    one, two = (pipeline_in(tmp_path, "unlearner=rt", f"attack={name}") for name in ("head_sum", "head_change"))
    assert set(one.stages["evidence"].parents) == {"unlearned"}
    assert set(two.stages["evidence"].parents) == {"unlearned", "original"}
    assert one.key("unlearned") == two.key("unlearned")
    weights = {name: two.artifact(name).tensors["model.head.weight"] for name in ("original", "unlearned")}
    scores = two.artifact("evidence").tensors["samples_KMF"][:, 0, 0]
    assert scores.sum().item() == pytest.approx(-1)
    assert not torch.equal(weights["original"], weights["unlearned"])


def test_an_attack_of_one_model_cannot_see_the_other():
    head_sum = configured("head_sum")
    view = view_of(head_sum.threat, target=Linear(), original=Linear())
    assert head_sum.threat.original is Access.NONE
    assert isinstance(view.target, WhiteBox)
    with pytest.raises(AccessDenied, match="does not grant the original model"):
        _ = view.original

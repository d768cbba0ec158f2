import pytest
import torch

from unlearnleak.adversary.view import view_of
from unlearnleak.auditing.comparing import blind, compared_by
from unlearnleak.auditing.composed import composed
from unlearnleak.auditing.situation import Fitted
from unlearnleak.machine.seeds import generator

FEW = {"heads": 4, "subset_size": 5, "steps": 5, "shadow_steps": 20}


@pytest.mark.parametrize("name", ["param_dot", "param_diff", "param_confidence"])
def test_a_verdict_needs_no_heads_of_the_papers_figure(name, unlearned, images, monkeypatch):
    from unlearnleak.attack.base.published import PublishedAttack

    one = composed(name)
    attack, (screening,) = one.built(one.settings | FEW), one.screenings.values()
    view = view_of(one.threat, target=unlearned, auxiliary=images)
    whole = screening(attack(view, generator(0, "evidence")))
    monkeypatch.setattr(PublishedAttack, "published_samples", lambda *_: pytest.fail("heads were trained"))
    found = screening(attack.read(blind(attack, view, generator(0, "evidence")), images.labels))
    assert torch.equal(found.score_K, whole.score_K)
    assert torch.equal(found.forgotten_K, whole.forgotten_K)


def test_attacks_that_compare_the_same_heads_share_them():
    keys = []
    for name in ("param_dot", "param_diff", "param_confidence", "relearn"):
        one = composed(name)
        keys.append(compared_by(one.built(one.settings), Fitted(one.settings)))
    assert keys[0] == keys[1] == keys[2] != keys[3]

"""What a GPU repeats as a captured step is here recorded once and repeated on a CPU: the evidence stays the same.

The recorder refuses what a capture would: questions to the device, and draws.
"""

import pytest
import torch

from tests.attack.victims import configured, retrained, small_digits
from tests.jobs import pipeline_in
from tests.recorded import Recorded
from unlearnleak.adversary import access, changes, inversion, matching, shadow, still
from unlearnleak.adversary.view import view_of
from unlearnleak.data import LabeledImages

CAPTURED = {
    "inversion_gradient": ({"restarts": 2, "steps": 60}, ["a step of the gradient inversion"]),
    "inversion_shadow": (
        {"steps": 50, "shadows": 8, "chunk": 60},
        ["a step of the shadow targets", *["a step of the gradient inversion"] * 2],
    ),
    "inversion_genetic": ({"population": 10, "generations": 50}, ["a generation of the genetic search"]),
    "gradient_matching": ({"restarts": 2, "steps": 80, "labels": [3]}, ["a step of the gradient matching"]),
    "output_change": ({"probes": 4, "used": 3, "restarts": 3}, ["a step of the search for probes"]),
    "param_dot": ({"heads": 4, "subset_size": 5}, ["a step of the shadow targets"]),
    "relearn": ({}, ["a step of the shadow targets"]),
}
"""Settings that make each attack quick, and the steps that it repeats."""


def auxiliary():
    images, labels = small_digits()
    chosen = torch.cat([(labels == c).nonzero()[:12, 0] for c in range(10)])
    return LabeledImages((images[chosen] * 255).to(torch.uint8), labels[chosen], 10)


def collected(name):
    attack = configured(name, **CAPTURED[name][0])
    view = view_of(attack.threat, target=retrained(3), original=retrained(), auxiliary=auxiliary())
    return attack(view, torch.Generator().manual_seed(0)), view


@pytest.fixture
def recorded(monkeypatch):
    """Steps are recorded, as on a GPU, from here on."""
    stand_in = Recorded()
    for module in (access, inversion, matching, shadow, still):
        monkeypatch.setattr(module, "repeated", stand_in)
    monkeypatch.setattr(matching, "adamw", lambda x, lr: torch.optim.AdamW([x], lr=torch.tensor(lr), fused=True))
    for module in (access, changes):
        monkeypatch.setattr(module, "runs_behind", lambda device: True)
    return stand_in


@pytest.mark.parametrize("name", CAPTURED)
def test_evidence_is_the_same_where_steps_are_recorded_and_repeated(name, request):
    plain, before = collected(name)
    stand_in = request.getfixturevalue("recorded")
    repeated, after = collected(name)
    assert stand_in.asked == CAPTURED[name][1]
    assert plain.queries == repeated.queries
    assert before.queries == after.queries
    tolerance = {"rtol": 1e-4, "atol": 1e-4}
    if name == "gradient_matching":
        torch.testing.assert_close(plain.images_NCHW, repeated.images_NCHW, **tolerance)
        assert plain.objective == pytest.approx(repeated.objective, rel=1e-4)
    else:
        torch.testing.assert_close(plain.samples_KMF, repeated.samples_KMF, **tolerance)


@pytest.mark.parametrize(("defense", "captured"), [("none", True), ("weight_noise", True), ("output_rounding", False)])
def test_a_job_s_genetic_search_is_captured_unless_a_defence_stands_before_the_answers(
    tmp_path, request, defense, captured
):
    words = ["attack=inversion_genetic", f"defense={defense}", "unlearner=ft"]
    pipeline_in(tmp_path, *words).artifact("unlearned")
    plain = pipeline_in(tmp_path, *words, f"store={tmp_path / 'plain'}").artifact("evidence")
    stand_in = request.getfixturevalue("recorded")
    again = pipeline_in(tmp_path, *words).artifact("evidence")
    assert stand_in.asked == (["a generation of the genetic search"] if captured else [])
    torch.testing.assert_close(again.tensors["samples_KMF"], plain.tensors["samples_KMF"], rtol=1e-4, atol=1e-4)

"""Weaker attackers: what they hold enters the evidence and nothing before it, and what they cannot judge is said."""

import pytest
import torch

from tests.jobs import composed, overrides_in, pipeline_in
from unlearnleak.adversary.restricted import Restricted
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.model.base.answers import undefended
from unlearnleak.pipeline.evaluate import evaluate_run
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.runs.naming import run_name

DATA = ("param_dot", "param_diff", "param_confidence", "relearn", "inversion_shadow", "aux_confidence", "aux_margin")
DATA += ("shadow_answers", "shadow_weights")
"""Attacks that need labelled samples."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weaker")


def test_only_evidence_and_what_follows_it_has_another_key(folder):
    usual = pipeline_in(folder, "attack=aux_confidence")
    for word in (
        "auxiliary.per_class=2",
        "auxiliary.classes=[0,1]",
        "auxiliary.balance=0.5",
        "auxiliary.label_noise=0.2",
    ):
        weaker = pipeline_in(folder, "attack=aux_confidence", word)
        differ = {name for name in usual.stages if usual.key(name) != weaker.key(name)}
        assert differ == {"evidence", "verdict"}, word


def test_who_holds_no_samples_is_as_before(folder):
    keys = [pipeline_in(folder, "attack=head_sum", *words).key("verdict") for words in ((), ("auxiliary.per_class=2",))]
    assert keys[0] == keys[1]


def test_folders_have_their_names_and_weaker_attackers_others(folder):
    usual, same, weaker = (
        run_name(_root_=composed(*overrides_in(folder, "attack=aux_confidence", *words)))
        for words in ((), ("auxiliary.classes=all",), ("auxiliary.per_class=2",))
    )
    assert usual == same
    assert usual != weaker


@pytest.mark.parametrize("words", [("auxiliary.per_class=2",), ("auxiliary.balance=[6,1,3,2]",)], ids=str)
@pytest.mark.parametrize("attack", DATA)
def test_every_attack_makes_do_with_what_there_is(folder, attack, words):
    if attack == "relearn" and "balance" in words[0]:
        with pytest.raises(Incompatible, match="holds one of a class"):
            pipeline_in(folder, f"attack={attack}", *words).artifact("evidence")
        return
    numbers = evaluate_run(pipeline_in(folder, f"attack={attack}", *words))
    assert len(numbers["scores"]) == 4
    assert "not_judged" not in numbers


@pytest.mark.parametrize("attack", DATA)
def test_a_class_without_samples_is_not_judged_and_so_not_judged_rightly(folder, attack):
    pipeline = pipeline_in(folder, f"attack={attack}", "forget_classes=[1]", "auxiliary.classes=without_forgotten")
    numbers = evaluate_run(pipeline)
    assert numbers["not_judged"] == [1]
    assert numbers["scores"][1] is None
    assert all(isinstance(numbers["scores"][c], float) for c in (0, 2, 3))
    assert 1 not in numbers["verdict"]
    assert numbers["exact_match"] == 0
    assert numbers["forgotten_ranked_first"] == 0
    assert numbers["asr"] == (3 - len(numbers["verdict"])) / 4


def test_the_class_that_is_named_is_its_own_and_not_its_place_among_those_held(folder):
    """Class 0 is left out, so that class 2 is the second that is held."""
    words = ("forget_classes=[2]", "attack=aux_confidence", "screening=halfway", "auxiliary.classes=[1,2,3]")
    numbers = evaluate_run(pipeline_in(folder, "training.epochs=30", "unlearner=rt", *words))
    assert numbers["verdict"] == [2]
    assert numbers["not_judged"] == [0]
    assert numbers["exact_match"] == 0  # nobody asked about class 0
    assert numbers["recall"] == 1


def test_a_control_with_a_class_left_out_raises_no_alarm_and_is_not_exact(folder):
    words = ("unlearner=none", "forget_classes=[1]", "auxiliary.classes=without_forgotten", "attack=aux_confidence")
    numbers = evaluate_run(pipeline_in(folder, "training.epochs=30", *words))
    assert numbers["verdict"] == []
    assert numbers["exact_match"] == 0
    assert numbers["asr"] == 0.75


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("auxiliary.per_class=7",), r"6 are set aside .*dataset\.auxiliary_per_class=6"),
        (("auxiliary.classes=[0,${forget_classes}]",), "could tell an attacker"),
        (("auxiliary.dataset=nowhere.npz",), "is not there"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(folder, words, said):
    with pytest.raises(UserError, match=said):
        make_plan(composed(*overrides_in(folder, "attack=aux_confidence", *words)))


def test_too_few_classes_are_refused_before_anything_is_trained(folder):
    pipeline = pipeline_in(folder, "attack=aux_confidence", "seed=77", "auxiliary.balance=[1,1,0,0]")
    with pytest.raises(UserError, match="leaves samples of 1 class"):
        evaluate_run(pipeline_in(folder, "attack=aux_confidence", "seed=77", "auxiliary.balance=[1,0,0,0]"))
    assert not (folder / "store" / "original" / pipeline.key("original")).exists()


def test_who_is_told_of_some_classes_is_told_shares_of_what_the_whole_model_answers(folder, fresh_lenet):
    """The softmax over all classes first, also where no defence stands before the model: evidence keeps its bits."""
    _, told = pipeline_in(folder, "attack=aux_confidence").seen_by((0, 2, 7))
    model = fresh_lenet().eval()
    x_NCHW = 9 * torch.randn(200, *model.image_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole_NJ = undefended(model, x_NCHW)[:, [0, 2, 7]]
        among_NJ = undefended(Restricted(model, (0, 2, 7)), x_NCHW)
        told_NJ = told(undefended)(Restricted(model, (0, 2, 7)), x_NCHW)
    assert torch.equal(told_NJ, whole_NJ / whole_NJ.sum(1, keepdim=True))
    assert not torch.equal(told_NJ, among_NJ)  # which differ in last bits

"""What a run without a result is called."""

from pathlib import Path

import pytest

from tests import jobs
from unlearnleak.runs.naming import run_name
from unlearnleak.runs.words import method, named, seeds_text


def test_the_name_that_a_run_gets_is_read_back():
    config = jobs.composed("unlearner=ng", "attack=inversion_gradient", "forget_classes=[0,4]", "seed=5")
    found = named({"directory": Path(run_name(_root_=config))})
    assert {key: found[key] for key in ("dataset", "model", "unlearner", "attack", "screening", "asked", "seed")} == {
        "dataset": "digits",
        "model": "lenet",
        "unlearner": "ng",
        "attack": "inversion_gradient",
        "screening": "threshold",
        "asked": "0.4",
        "seed": "5",
    }


def test_a_defence_is_read_back_from_the_name():
    config = jobs.composed("unlearner=ng", "defense=weight_noise", "attack=head_sum", "forget_classes=[3]")
    found = named({"directory": Path(run_name(_root_=config))})
    assert (found["unlearner"], found["defense"], found["asked"]) == ("ng", "weight_noise", "3")


@pytest.mark.parametrize("name", ["run", "a-b-c", "a-b-c-d-e-f-g-h-i", "<script>alert(1)</script>"])
def test_any_other_name_gives_dashes(name):
    found = named({"directory": Path(name)})
    assert {found[key] for key in ("dataset", "unlearner", "attack", "asked", "seed")} == {"-"}


def test_a_result_says_it_better_than_the_name():
    run = {"directory": Path("digits-lenet-rt-draw3-param_dot-youden-s0-12345678"), "unlearner": "ft"}
    run |= {"forget_classes": [1, 5], "seeds": {"original": 0, "forget": 3, "attack": 0}}
    found = named(run)
    assert (found["unlearner"], found["asked"], found["seed"]) == ("ft", "1, 5", "0, forget 3")


def test_equal_seeds_are_one_number():
    assert seeds_text({"original": 2, "attack": 2}) == "2"


def test_what_was_done_to_a_model_says_its_part_and_its_fine_tuning():
    told = {"unlearner": "ft", "gate": "passed", "forget_share": 1.0, "forget_level": "class"}
    tuned = {"forget_level": "sample", "finetuning_samples": 512}
    assert method(told) == "ft"
    assert method(told | tuned) == "ft (100 %, tuned on 512)"
    assert method(told | tuned | {"forget_share": 0.5, "defense": "prune"}) == "ft (50 %, tuned on 512) + prune"
    assert method(told | tuned | {"gate": "control", "unlearner": "none"}) == "none (tuned on 512)"
    assert method(told | {"forget_level": "sample", "forget_samples": 1}) == "ft (1 sample)"

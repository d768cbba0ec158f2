"""The number that a job returns to a sweeper that searches by it."""

import pytest

from tests.jobs import composed, overrides_in
from unlearnleak.config.objective import COST, NUMBERS, check_objective, check_reachable, value_of
from unlearnleak.errors import UserError
from unlearnleak.pipeline.job import run_job
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.runs.naming import run_name


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    return of(folder, "forget_share=0.5")


def of(folder, *words):
    every = overrides_in(folder, "unlearner=ft", "defense=weight_noise", *words)
    return run_job(composed(*every), folder / "run", sweep=False)


def test_every_number_of_a_result_can_be_an_objective(result, tmp_path):
    result = of(tmp_path, "forget_share=0.5", "attack=gradient_matching") | result
    numbers = {key for key, value in result.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    found = {key for key in numbers if not COST.fullmatch(key)} - {"forget_share"}  # a setting
    assert set(NUMBERS) == found | {key for key in NUMBERS if result[key] is None}


def test_the_number_is_returned_by_name(result):
    assert value_of(result, "asr") == result["asr"]
    assert value_of(result, ["retain_acc", "queries"]) == [result["retain_acc"], float(result["queries"])]


def test_a_number_without_a_value_is_told(result):
    with pytest.raises(UserError, match=r"objective=recall has no value for this run, which is stored"):
        value_of(result | {"recall": None}, ["asr", "recall"])
    with pytest.raises(UserError, match=r"the job has no result \(its parts do not fit\)"):
        value_of(None, "asr", "its parts do not fit")


@pytest.mark.parametrize("told", ["asrr", "[asr,gate]", "3", "{asr:1}", "true"])
def test_another_name_is_refused_before_anything_begins(tmp_path, told):
    with pytest.raises(UserError, match=r"objective=.* is not possible: a number of result.json, one of asr, "):
        make_plan(composed(*overrides_in(tmp_path, f"objective={told}")))


def test_none_is_asked_for_unless_told():
    check_objective(None)
    check_reachable(None, "original")
    with pytest.raises(UserError, match="objective=asr needs a verdict, and until=unlearned ends before it"):
        check_reachable("asr", "unlearned")


def test_it_is_in_no_name():
    assert run_name(_root_=composed("objective=asr")) == run_name(_root_=composed())

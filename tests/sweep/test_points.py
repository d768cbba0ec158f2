"""The points of a grid are those of Hydra's own sweeper; cases keep together what belongs together."""

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from unlearnleak.sweep.points import points

CASES = [{"attack": "a", "screening": "x,y"}, {"attack": "b,c", "screening": "z"}]


@pytest.mark.parametrize(
    "words",
    [
        ["seed=0,1", "unlearner=rt,ft", "sweep_name=x"],
        ["seed=range(3)", "forget_classes=[0],[1,2]"],
        ["+extra=choice(1,2)", "~gate.forget_acc"],
        ["seed=0,1", "seed=5"],
        [],
    ],
)
def test_without_cases_they_are_hydras(words):
    overrides = OverridesParser.create().parse_overrides(words)
    (expected,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    assert points({}, words) == expected


def test_the_command_line_replaces_what_the_sweep_file_varies():
    assert points({"seed": "0,1", "unlearner": "rt"}, ["seed=7"]) == [["seed=7", "unlearner=rt"]]


def pairs(*arguments, params=None):
    return sorted(tuple(sorted(point)) for point in points(params or {}, arguments, CASES))


def test_cases_are_all_there_and_nothing_else():
    expected = [("a", "x"), ("a", "y"), ("b", "z"), ("c", "z")]
    assert pairs() == [(f"attack={a}", f"screening={s}") for a, s in expected]
    assert len(pairs("seed=0,1", params={"unlearner": "rt,ft,rl"})) == len(expected) * 6


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["attack=a"], [("a", "x"), ("a", "y")]),
        (["attack=a,c"], [("a", "x"), ("a", "y"), ("c", "z")]),
        (["screening=y,z"], [("a", "y"), ("b", "z"), ("c", "z")]),
        (["attack=b", "screening=z"], [("b", "z")]),
    ],
)
def test_the_command_line_picks_among_the_cases(arguments, expected):
    assert pairs(*arguments) == [(f"attack={a}", f"screening={s}") for a, s in expected]


def test_an_added_value_is_the_same_setting():
    assert pairs("++attack=mine") == [("++attack=mine",)]
    assert points({"seed": "0,1"}, ["++seed=7"]) == [["++seed=7"]]


def test_what_is_in_no_case_is_taken_as_it_is_told():
    assert pairs("attack=mine,yours") == [("attack=mine",), ("attack=yours",)]
    assert pairs("attack=a", "screening=z") == [("attack=a", "screening=z")]


def test_a_sweep_that_hydra_cannot_spread_is_refused():
    with pytest.raises(HydraException, match="does not support sweep type"):
        points({}, ["seed=interval(0,1)"])

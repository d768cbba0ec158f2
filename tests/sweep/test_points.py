"""The points of a grid are those of Hydra's own sweeper; cases keep together what belongs together."""

from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from unlearnleak.config.folder import config_folder
from unlearnleak.errors import UserError
from unlearnleak.sweep.points import points

UNLEARNERS = sorted(path.stem for path in Path(config_folder(), "unlearner").glob("*.yaml"))
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["training={epochs:2}", "training={lr:0.1}"], [["training={epochs:2}", "training={lr:0.1}"]]),
        (["++x={a:1}", "+x={b:2}"], [["++x={a:1}", "+x={b:2}"]]),
        (["x={a:1},{a:2}", "x={b:3}"], [["x={a:1}", "x={b:3}"], ["x={a:2}", "x={b:3}"]]),
        (["x.a=1", "x={a:2}", "x.a=3"], [["x.a=1", "x={a:2}", "x.a=3"]]),
        (["x.a=1,2", "x={a:2}", "x.a=3"], [["x.a=1", "x={a:2}", "x.a=3"]]),
        (["x=1", "~x", "x=2"], [["x=1", "~x=null", "x=2"]]),
        (["+x=1,2", "x=3,4"], [["+x=1", "x=3"], ["+x=1", "x=4"]]),
        (["+x=1", "++x=2"], [["++x=2"]]),
        (["x=null", "x={a:1}", "x=null"], [["x=null", "x={a:1}", "x=null"]]),
    ],
)
def test_a_key_that_is_told_twice_ends_as_in_a_single_run(words, expected):
    assert points({}, words) == expected


def test_a_key_that_is_added_twice_is_refused():
    with pytest.raises(UserError, match=r"\+x=1 and \+x=2 add the same setting twice"):
        points({}, ["+x=1", "+x=2"])


@pytest.fixture(scope="module")
def loader():
    with initialize_config_dir(config_folder(), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["unlearner=ft", "unlearner={lr:1}"], [["unlearner=ft", "unlearner={lr:1}"]]),
        (["unlearner={lr:1}", "unlearner=ft"], [["unlearner={lr:1}", "unlearner=ft"]]),
        (["unlearner=rt,ft", "unlearner.lr=1", "unlearner=rl"], [["unlearner=rl", "unlearner.lr=1"]]),
    ],
)
def test_a_choice_and_its_settings_do_not_replace_each_other(loader, words, expected):
    assert points({}, words, loader=loader) == expected


def test_the_command_lines_dictionary_is_on_top_of_a_sweep_files(loader):
    params = {"training": "{epochs:1},{epochs:2}", "seed": 1}
    found = points(params, ["training={lr:0.1}"], [{"unlearner": "ft", "training": {"momentum": 0}}], loader)
    rest = ["seed=1", "unlearner=ft", "training={momentum:0}", "training={lr:0.1}"]
    assert found == [[f"training={{epochs:{n}}}", *rest] for n in (1, 2)]


@pytest.mark.parametrize(
    ("value", "word"), [(None, "x=null"), ([None, "a b"], r"x=[null,a\ b]"), ({"a": True}, "x={a:True}")]
)
def test_a_sweep_files_values_are_written_as_on_a_command_line(value, word):
    assert points(OmegaConf.create({"x": value}), []) == [[word]]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*", ",".join(UNLEARNERS)),
        ("*,exclude=none", ",".join(name for name in UNLEARNERS if name != "none")),
        ("[r*,none]", ",".join(name for name in UNLEARNERS if name.startswith("r") or name == "none")),
    ],
)
def test_glob_chooses_config_files(loader, pattern, names):
    told = f"unlearner=glob({pattern})"
    expected = [[f"unlearner={name}"] for name in names.split(",")]
    assert points({}, [told], loader=loader) == expected
    assert points({"unlearner": f"glob({pattern})"}, [], loader=loader) == expected
    assert points({}, [], [{"unlearner": f"glob({pattern})"}], loader=loader) == expected
    among = [[f"unlearner={name}"] for name in ("ft", "au", "none") if name in names.split(",")]
    assert points({}, [told], [{"unlearner": "ft,au,none"}], loader=loader) == among


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("seed=range(0,0)", "the range is empty"),
        ("seed=glob(*)", "it is no group of choices"),
        ("unlearner=glob(x*)", "nothing has such a name; choices of unlearner: " + ", ".join(UNLEARNERS)),
    ],
)
def test_what_chooses_from_nothing_is_refused(loader, word, why):
    with pytest.raises(UserError, match=why):
        points({}, [word], loader=loader)


def test_an_added_value_picks_among_the_cases():
    cases = [{"unlearner": "ft", "unlearner.lr": "0.1,0.2"}, {"unlearner": "rt"}]
    expected = [["unlearner=ft", "unlearner.lr=0.1"], ["unlearner=rt", "++unlearner.lr=0.1"]]
    assert points({}, ["++unlearner.lr=0.1"], cases) == expected


def test_a_sweep_that_hydra_cannot_spread_is_refused():
    with pytest.raises(HydraException, match="does not support sweep type"):
        points({}, ["seed=interval(0,1)"])

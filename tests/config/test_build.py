import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.jobs import composed
from unlearnleak.attack.base import Attack
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.config.build import (
    build,
    component_name,
    construct,
    locate,
    plugin_at_fault,
    resolved,
    settings_of,
    trusted_packages,
)
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import UserError
from unlearnleak.logger.base import RunLogger
from unlearnleak.model.base import Classifier
from unlearnleak.screening.base import Screening
from unlearnleak.screening.threshold import Threshold
from unlearnleak.unlearner.base import Unlearner
from unlearnleak.unlearner.ng import NegativeGradient

WRONG_TARGETS = {
    "a module of this project that holds no attacks": "unlearnleak.sweep.pool.server.X",
    "a module that would start something": "unlearnleak.run.X",
    "a package of tests": "tests.jobs.X",
    "another package": "os.system",
    "builtins": "builtins.eval",
    "a bare name": "eval",
    "a package that begins with the same letters": "unlearnleak_evil.attack.Attack",
    "through a module of this project": "unlearnleak.runs.status.os.system",
    "deeper through a module": "unlearnleak.config.build.importlib.import_module",
    "a function of this project": "unlearnleak.runs.status.write_json",
    "a foreign class imported here": "unlearnleak.runs.status.Path",
    "a class of another group": "unlearnleak.unlearner.rt.Retrain",
    "no such class": "unlearnleak.attack.head_sum.HeadSums",
    "no such module": "unlearnleak.attack.headsum.HeadSum",
    "the base class": "unlearnleak.attack.base.Attack",
    "an abstract class": "unlearnleak.attack.base.comparison.ParameterAttack",
    "relative": "..os.system",
    "a path": "../unlearnleak/attack/head_sum.HeadSum",
    "with spaces": "unlearnleak.attack.head_sum. HeadSum",
    "empty": "",
    "nothing": None,
    "a number": 3,
    "a list": ["unlearnleak.attack.head_sum.HeadSum"],
}


@pytest.mark.parametrize("target", WRONG_TARGETS.values(), ids=WRONG_TARGETS.keys())
def test_a_target_that_is_no_attack_of_this_project_is_refused(target):
    with pytest.raises(UserError, match=r"attack\._target_"):
        locate(target, Attack, "attack")


def test_the_refusal_names_the_value_what_is_allowed_and_the_way_out():
    with pytest.raises(UserError) as refusal:
        locate("os.system", Attack, "attack")
    for part in ("'os.system'", "Attack class", "inside unlearnleak", "unlearnleak.plugins"):
        assert part in str(refusal.value)


def test_base_classes_without_abstract_methods_are_refused():
    with pytest.raises(UserError, match="base class"):
        locate("unlearnleak.unlearner.base.Unlearner", Unlearner, "unlearner")


def test_a_foreign_class_does_not_become_ours_by_being_imported_here(monkeypatch):
    foreign = type("Foreign", (HeadSum,), {"__module__": "untrusted.mine"})
    monkeypatch.setattr("unlearnleak.attack.head_sum.Foreign", foreign, raising=False)
    with pytest.raises(UserError, match="refused"):
        locate("unlearnleak.attack.head_sum.Foreign", Attack, "attack")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a function that writes an importable package whose module says when it is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made = []

    def write(dotted: str, body: str = "") -> Path:
        folder = tmp_path.joinpath(*dotted.split("."))
        folder.mkdir(parents=True)
        folder.joinpath("__init__.py").touch()
        folder.joinpath("mine.py").write_text(body)
        made.append(dotted)
        return folder

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in {m.split(".")[0] for m in made}]:
        del sys.modules[name]


ATTACK = """
from unlearnleak.attack.head_sum import HeadSum
class Mine(HeadSum):
    version = 7
"""


def declare(folder: Path, value: str) -> None:
    """What an installer leaves behind of a distribution that declares a plugin."""
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(f"[unlearnleak.plugins]\nacme = {value}\n")


OURS = [(Attack, "attack"), (Screening, "screening"), (Unlearner, "unlearner"), (RunLogger, "logger")]
OURS += [(Dataset, "dataset"), (Classifier, "model")]


@pytest.mark.parametrize(("base", "group"), OURS, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize(
    "target", ["unlearnleak.sweep.pool.server.X", "unlearnleak.report.page.render.X", "acme.mine.Other"]
)
def test_nothing_is_imported_that_holds_no_component(packages, tmp_path, monkeypatch, base, group, target):
    packages("acme", "raise SystemExit(0)")
    declare(tmp_path, "acme")
    for name in ("unlearnleak.sweep.pool.server", "unlearnleak.report.page.render"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(UserError, match=f"{group}._target_='{target}' is refused: .* inside acme, unlearnleak.{group}"):
        locate(target, base, group)
    assert not {"unlearnleak.sweep.pool.server", "unlearnleak.report.page.render", "acme.mine"} & sys.modules.keys()


def test_a_plugin_that_ends_the_process_is_no_success(packages, tmp_path):
    packages("acme", "class Mine: ...\nraise SystemExit(0)")
    declare(tmp_path, "acme")
    with pytest.raises(UserError, match=r"attack._target_=acme.mine.Mine: the module acme.mine ends the process"):
        locate("acme.mine.Mine", Attack, "attack")


def test_nothing_of_an_undeclared_package_is_imported(packages):
    packages("untrusted", ATTACK)
    with pytest.raises(UserError, match="refused"):
        locate("untrusted.mine.Mine", Attack, "attack")
    assert not any(name.startswith("untrusted") for name in sys.modules)


def test_a_declared_plugin_is_built(packages, tmp_path):
    packages("acme", ATTACK)
    declare(tmp_path, "acme")
    assert trusted_packages() == {"unlearnleak", "acme"}
    built = build(OmegaConf.create({"_target_": "acme.mine.Mine"}), Attack, "attack")
    assert (type(built).__module__, built.version) == ("acme.mine", 7)


def test_a_declared_subpackage_does_not_vouch_for_its_neighbours(packages, tmp_path):
    packages("acme.leaks", ATTACK)
    packages("acme.other", ATTACK)
    packages("acme.leaks2", ATTACK)
    declare(tmp_path, "acme.leaks:anything")
    assert locate("acme.leaks.mine.Mine", Attack, "attack").__name__ == "Mine"
    for target in ("acme.other.mine.Mine", "acme.leaks2.mine.Mine"):
        with pytest.raises(UserError, match="refused"):
            locate(target, Attack, "attack")
        assert target.rpartition(".")[0] not in sys.modules


def test_a_plugins_own_missing_dependency_is_not_taken_for_a_missing_module(packages, tmp_path):
    packages("acme", "import a_library_that_nobody_has\nclass Mine: ...\n")
    declare(tmp_path, "acme")
    with pytest.raises(ModuleNotFoundError, match="a_library_that_nobody_has"):
        locate("acme.mine.Mine", Attack, "attack")


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("import a_library_that_nobody_has\nclass Mine: ...\n", 1),
        ("class Mine: ...\n\n[][0]\n", 3),
        ("import json\nclass Mine: ...\njson.loads('{')\n", 3),  # what it called failed
    ],
    ids=["a missing library", "its own line", "what it called"],
)
def test_an_error_of_a_plugin_says_where(packages, tmp_path, body, line):
    packages("acme", body)
    declare(tmp_path, "acme")
    with pytest.raises(Exception) as error:  # noqa: PT011
        locate("acme.mine.Mine", Attack, "attack")
    assert plugin_at_fault(error.value) == f"acme.mine, line {line}"


def test_an_error_of_ours_blames_no_plugin(packages, tmp_path):
    packages("acme", ATTACK)
    declare(tmp_path, "acme")
    with pytest.raises(UserError) as error:
        locate("unlearnleak.attack.head_sum.None", Attack, "attack")
    assert plugin_at_fault(error.value) is None


@pytest.mark.parametrize("word", ["_target_", "_args_", "_partial_", "_recursive_", "_convert_"])
@pytest.mark.parametrize("wrap", [lambda x: {"k": x}, lambda x: {"k": [1, {"deep": x}]}], ids=["dict", "list"])
def test_hydras_words_among_the_settings_are_refused(word, wrap):
    node = OmegaConf.create({"_target_": "unlearnleak.screening.threshold.Threshold", **wrap({word: "os.system"})})
    with pytest.raises(UserError, match="plain values only"):
        settings_of(node, "screening")


@pytest.mark.parametrize("word", ["_args_", "_partial_"])
def test_hydras_words_beside_the_target_are_refused(word):
    node = OmegaConf.create({"_target_": "unlearnleak.screening.threshold.Threshold", word: True})
    with pytest.raises(UserError, match="plain values only"):
        build(node, Screening, "screening")


@pytest.mark.parametrize("node", [None, 3, "youden"], ids=str)
def test_what_is_no_group_of_settings_is_refused(node):
    with pytest.raises(UserError, match="screening"):
        build(node, Screening, "screening")
    with pytest.raises(UserError, match=r"training=.* is a group of settings"):
        settings_of(node, "training")


def test_all_wrong_settings_are_named_at_once_also_inherited_ones():
    node = composed("unlearner=ng").unlearner
    settings = settings_of(node, "unlearner")
    assert {"forget_acc_goal", "epochs", "schedule"} <= set(settings)  # own ones and those of the parent class
    construct(NegativeGradient, settings, "unlearner")
    del settings["loss_bound"], settings["epochs"]
    settings |= {"lrr": 0.1, "check_every": "often", "batch_size": 2.5, "momentum": True}
    with pytest.raises(UserError) as error:
        construct(NegativeGradient, settings, "unlearner")
    text = str(error.value)
    for part in (
        "unlearner.lrr is unknown",
        "unlearner.loss_bound is missing",
        "unlearner.epochs is missing",
        "unlearner.check_every='often'",
        "unlearner.batch_size=2.5",
        "unlearner.momentum=True",
    ):
        assert part in text
    allowed = text.split("allowed: ")[1].split(". ", maxsplit=1)[0].split(", ")
    assert set(allowed) == {*settings_of(node, "unlearner")}
    assert "unlearner.lr=" not in text


@pytest.mark.parametrize(
    ("k", "good"), [(1, True), (1.5, True), (True, False), ("1", False), (None, False), ([1.0], False)], ids=str
)
def test_a_whole_number_passes_for_a_float_and_nothing_else_does(k, good):
    if good:
        assert construct(Threshold, {"k": k, "statistic": "max"}, "screening").k == k
    else:
        with pytest.raises(UserError, match=r"screening\.k="):
            construct(Threshold, {"k": k, "statistic": "max"}, "screening")


@pytest.mark.parametrize("k", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_numbers_that_no_key_can_hold_are_refused(k):
    with pytest.raises(UserError, match=r"screening\.k=.*finite"):
        construct(Threshold, {"k": k, "statistic": "max"}, "screening")


@pytest.mark.parametrize(("value", "good"), [(3, True), (3.0, False), (True, False), ("3", False)], ids=str)
def test_a_whole_number_is_neither_a_float_nor_a_flag(value, good):
    settings = settings_of(composed("unlearner=ng").unlearner, "unlearner") | {"check_every": value}
    if good:
        construct(NegativeGradient, settings, "unlearner")
    else:
        with pytest.raises(UserError, match=r"unlearner\.check_every="):
            construct(NegativeGradient, settings, "unlearner")


def test_what_is_given_is_no_setting():
    class Two:
        def __init__(self, *, mine: int, given: int) -> None:
            self.sum = mine + given

    assert construct(Two, {"mine": 1}, "two", given=2).sum == 3
    with pytest.raises(UserError, match=r"two\.given is unknown; allowed: mine"):
        construct(Two, {"mine": 1, "given": 5}, "two", given=2)


@pytest.mark.parametrize("value", ["${nowhere}", "${oc.env:NO_SUCH_VARIABLE_HERE}", "${no_such_resolver:}", "???"])
def test_a_broken_reference_is_named(value):
    node = OmegaConf.create({"_target_": "unlearnleak.logger.none.NoLogger", "project": value})
    with pytest.raises(UserError, match="setting logger cannot be resolved") as error:
        build(node, RunLogger, "logger")
    assert "\n" not in str(error.value)


def test_references_are_resolved_and_plain_values_pass():
    root = OmegaConf.create({"seed": 5, "seeds": {"data": "${seed}", "list": [1, "${seed}"]}})
    assert resolved(root.seeds, "seeds") == {"data": 5, "list": [1, 5]}
    assert [resolved(value, "x") for value in (None, 3, "draw:2")] == [None, 3, "draw:2"]


@pytest.mark.parametrize(
    ("node", "word"),
    [
        ({"_target_": "unlearnleak.unlearner.rt.Retrain"}, "rt"),
        ({"_target_": "acme.deep.mine.Mine"}, "mine"),
        ({}, "unknown"),
        ({"_target_": "bare"}, "unknown"),
    ],
)
def test_a_components_word_is_its_module(node, word):
    assert component_name(OmegaConf.create(node)) == word

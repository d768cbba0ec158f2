"""No attack and no screening can reach the truth: held against a shuffled truth, their verdicts are worth nothing."""

import ast
import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import unlearnleak
from tests.attack.conftest import FORGOTTEN
from tests.jobs import composed, pipeline_in
from tests.report.made import judged, run
from tests.test_contract import NAMES, component
from unlearnleak.adversary.threat import Access
from unlearnleak.analysis.shuffle import shuffled
from unlearnleak.attack.head_sum import HeadSum
from unlearnleak.metric.verdict import auroc, exact_match
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.screening.decision_tree import DecisionTree
from unlearnleak.screening.youden import Youden

SINGLE = [classes for classes in FORGOTTEN if len(classes) == 1]
PERMUTATIONS = 2000
TREE = {"max_depth": 3, "min_samples_leaf": 20, "random_state": 0}


@pytest.mark.parametrize(
    ("evidence", "screening"),
    [("dot_evidence", Youden()), ("diff_evidence", DecisionTree(**TREE))],
    ids=["param_dot", "param_diff"],
)
def test_against_a_shuffled_truth_the_blind_attack_is_at_chance(evidence, screening, request):
    """One of ten classes, 3 x 2,000 permutations: deviations of 0.004 in both means; the margin is five of them."""
    random = np.random.default_rng(0)
    straight, exact, area = [], [], []
    for classes in SINGLE:
        verdict = screening(request.getfixturevalue(evidence)[classes])
        verdict_K, score_K = verdict.forgotten_K.numpy(), verdict.score_K.numpy()
        truth_K = np.isin(np.arange(10), classes)
        straight.append(exact_match(verdict_K, truth_K))
        for _ in range(PERMUTATIONS):
            shuffled_K = random.permutation(truth_K)
            exact.append(exact_match(verdict_K, shuffled_K))
            area.append(auroc(score_K, shuffled_K))
    assert straight == [1.0] * len(SINGLE)  # held against the truth itself they are all right
    assert np.mean(exact) == pytest.approx(0.1, abs=0.02)
    assert np.mean(area) == pytest.approx(0.5, abs=0.02)


THREATS = {name: component("attack", name).threat for name in NAMES["attack"]}
ALONE = [
    name
    for name, threat in THREATS.items()
    if threat.pretrained is Access.NONE and not threat.shadow_models  # which no file has
]
JUDGED = ("evidence", "verdict")
TUNING = {"has_pretrained", "retrains"}
PLACES = {"path": "unlearned", "original": "original"}
KNOWS_THE_TRUTH = (
    "ForgetSplit",
    "forget_classes",
    "forget",
    "unlearner",
    "pipeline",
    "plan",
    "config",
    "metric",
    "run",
)


@pytest.mark.parametrize("folder", ["adversary", "attack", "screening"])
def test_nothing_that_knows_the_truth_is_imported_where_it_must_not_be_known(folder):
    paths = sorted((Path(unlearnleak.__file__).parent / folder).rglob("*.py"))
    assert len(paths) > 5
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                words = [word for alias in node.names for word in alias.name.split(".")]
                if (module := getattr(node, "module", None) or "") == "unlearnleak.config.component":
                    continue  # what was chosen, not what is forgotten: see below
                words += module.split(".")
                assert not set(words) & set(KNOWS_THE_TRUTH), f"{path.name} imports {ast.unparse(node)}"


def test_what_an_attack_is_told_before_anything_is_loaded_does_not_tell_the_truth():
    seen = []

    class Told(HeadSum):
        def check(self, chosen):
            seen.append(vars(chosen))

    for classes in ("[1]", "[2,5]"):
        config = composed("attack=head_sum", f"forget_classes={classes}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HeadSum, "check", Told.check)
            make_plan(config)
    assert seen[0] == seen[1]
    told = {"names", "training", "auxiliary_per_class", "weaker", "has_original", "can_shadow"}
    assert set(seen[0]) == {*told, *TUNING}


def found_under(tmp_path, attack, claims):
    """What an attack and its screening find in the same models, said to have forgotten one claim after the other."""
    tmp_path.mkdir(exist_ok=True)
    trained = pipeline_in(tmp_path, "unlearner=rt", "attack=head_sum")
    for role in ("original", "unlearned"):
        save_file(trained.model(role).state_dict(), tmp_path / f"{role}.safetensors")
    places = [f"unlearner.{setting}={tmp_path / role}.safetensors" for setting, role in PLACES.items()]
    found = []
    for number, classes in enumerate(claims):
        words = ["unlearner=imported", *places, f"attack={attack}", f"forget_classes={classes}"]
        pipeline = pipeline_in(tmp_path, *words, f"store={tmp_path / str(number)}")
        assert not pipeline.artifact("evidence").hit
        found.append({stage: pipeline.artifact(stage).tensors for stage in pipeline.stages if stage in JUDGED})
    return found


def all_the_same(found):
    """Whether every claim gave the same tensors."""
    first, *others = found
    return all(
        torch.equal(each[stage][name], value)
        for each in others
        for stage, tensors in first.items()
        for name, value in tensors.items()
    )


@pytest.mark.parametrize("attack", ALONE)
def test_an_attack_finds_the_same_whatever_the_forgotten_class_is_called(attack, tmp_path):
    """The same models, somebody else's, said to have forgotten one class or another. What tells a leak from honesty."""
    assert all_the_same(found_under(tmp_path, attack, ("[1]", "[3]", "[0,2]")))


def test_a_planted_leak_is_caught(tmp_path, monkeypatch):
    """An attack that gets at the truth, here through the stack of calls, finds what it is told to.

    Shuffling shows no such thing: against a truth dealt out at random an oracle is right as seldom as everybody is.
    """
    honest = HeadSum.__call__

    def dishonest(self, view, generator):
        found, frame = honest(self, view, generator), inspect.currentframe()
        while not hasattr(frame.f_locals.get("self"), "requested_classes"):
            frame = frame.f_back
        samples_KMF = found.samples_KMF.clone()
        samples_KMF[list(frame.f_locals["self"].requested_classes)] -= 1e3
        return replace(found, samples_KMF=samples_KMF)

    assert all_the_same(found_under(tmp_path / "honest", "head_sum", ("[1]", "[3]")))
    monkeypatch.setattr(HeadSum, "__call__", dishonest)
    assert not all_the_same(found_under(tmp_path / "dishonest", "head_sum", ("[1]", "[3]")))
    oracle = [run(**judged([c], [c], seed=seed)) for c in range(10) for seed in range(20)]
    assert np.mean([one["exact_match"] for one in shuffled(oracle, 0)]) == pytest.approx(0.1, abs=0.06)

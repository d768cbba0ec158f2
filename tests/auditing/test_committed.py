import csv
import json
from pathlib import Path

from docs.controls import SAME, made
from unlearnleak.auditing.committed import FILE, condensed, controls, pairs
from unlearnleak.auditing.composed import ATTACKS, composed

ROOT = Path(__file__).parents[2]


def test_the_packages_figures_are_those_of_the_committed_tables():
    assert json.loads(FILE.read_text()) == made()


def test_controls_are_counted_from_rows_by_a_slow_loop():
    alarms = n = 0
    for path in (ROOT / "docs" / "results").glob("*.csv"):
        if path.stem in SAME:
            continue
        for row in csv.DictReader(path.open()):
            if (row.get("unlearner"), row.get("attack"), row.get("screening")) == (
                "none",
                "inversion_genetic",
                "level",
            ):
                n, alarms = n + 1, alarms + bool(row["verdict"])
    assert (alarms, n) == controls("inversion_genetic", "level")[:2]
    assert n >= 20


def test_a_verdict_on_class_0_is_an_alarm_and_other_unlearners_are_no_controls():
    rows = [
        {"unlearner": u, "attack": "a", "screening": "s", "verdict": v}
        for u, v in (("none", "0"), ("none", ""), ("rt", "3"))
    ]
    assert condensed({"t": rows}) == {"a/s": {"t": [1, 2]}}
    assert controls("nothing", "here") == (0, 0, ())


def test_who_held_less_than_an_audit_asks_for_and_who_judged_nothing_are_no_controls():
    row = {"unlearner": "none", "attack": "a", "screening": "s", "verdict": "0"}
    measured = {name: value for name, value in row.items() if name != "verdict"}
    assert condensed({"t": [row, row | {"held": "1 a class"}, row | {"held": ""}, measured]}) == {"a/s": {"t": [2, 2]}}


def pair(defense, before, after, key, verdict=""):
    row = {"unlearner": "none", "attack": "a", "screening": "s", "sees_original": "white box", "defense": defense}
    return row | {"original_retain_acc": before, "retain_acc": after, "key_defended": key, "verdict": verdict}


def test_to_who_sees_both_models_a_control_is_a_pair_that_differs_and_counts_once():
    rows = [
        pair("none", "0.9", "0.9", ""),
        pair("temperature", "0.9", "0.9", "x"),
        pair("prune", "0.9", "0.895", "y"),
        pair("prune", "0.9", "0.8", "z", "3"),
    ]
    again = [pair("prune", "0.9", "0.895", "y"), pair("finetune", "0.9", "0.91", "new", "0")]
    found = condensed({"t": rows}, {"u": again})
    assert found == {"a/s/kept": {"t": [0, 1], "u": [1, 1]}, "a/s/lost": {"t": [1, 1]}}
    assert pairs("output_change", "drop", None).n == sum(pairs("output_change", "drop", fall).n for fall in (0, 0.5))


def test_of_tables_that_repeat_others_is_taken_what_these_lack():
    row = {"unlearner": "none", "screening": "s", "verdict": ""}
    found = condensed({"t": [row | {"attack": "a"}]}, {"u": [row | {"attack": "a"}, row | {"attack": "b"}]})
    assert found == {"a/s": {"t": [0, 1]}, "b/s": {"u": [0, 1]}}


def test_every_screening_of_an_audit_that_has_controls_is_one_that_may_stay_silent():
    for name in ATTACKS:
        for screening in composed(name).screenings:
            assert controls(name, screening).n >= 0
    assert controls("param_dot", "youden").alarms == 0
    assert controls("head_sum", "threshold").alarms == controls("head_sum", "threshold").n

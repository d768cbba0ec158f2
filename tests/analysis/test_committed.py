import csv
import json
from pathlib import Path

from docs.controls import made
from unlearnleak.analysis.committed import FILE, KINDS, condensed, controls, fooled, kinds, pairs
from unlearnleak.auditing.composed import ATTACKS, composed

ROOT = Path(__file__).parents[2]


def test_the_packages_figures_are_those_of_the_committed_tables():
    assert json.loads(FILE.read_text()) == made()


def test_controls_are_counted_from_rows_by_a_slow_loop():
    found = {}
    for path in sorted((ROOT / "docs" / "results").glob("*.csv")):
        for row in csv.DictReader(path.open()):
            said = tuple(row.get(name) for name in ("unlearner", "attack", "screening", "defense", "held"))
            if said[:3] == ("none", "inversion_genetic", "level") and said[3] in (None, "", "none") and not said[4]:
                found.setdefault(row["key_unlearned"], bool(row["verdict"]))
    assert (sum(found.values()), len(found)) == controls("inversion_genetic", "level")[:2]
    assert len(found) >= 40


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
    assert condensed({"t": [row | {"auxiliary_per_class": "1"}]}) == {}


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
    found = condensed({"t": rows, "u": again})
    assert found == {"a/s/kept": {"t": [0, 1], "u": [1, 1]}, "a/s/lost": {"t": [1, 1]}}
    assert pairs("output_change", "drop", None).n == sum(pairs("output_change", "drop", fall).n for fall in (0, 0.5))


def test_a_model_that_stands_in_two_tables_counts_once_and_its_neighbours_too():
    row = {"unlearner": "none", "screening": "s", "attack": "a", "verdict": ""}
    other, third = row | {"key_unlearned": "2"}, row | {"key_unlearned": "3", "attack": "b"}
    found = condensed({"t": [row | {"key_unlearned": "1"}], "u": [row | {"key_unlearned": "1"}, other, third]})
    assert found == {"a/s": {"t": [0, 1], "u": [0, 1]}, "b/s": {"u": [0, 1]}}


def test_models_that_learnt_something_badly_count_by_themselves():
    row = {"screening": "s", "attack": "a", "verdict": "", "defense": "none"}
    rows = [row | {"unlearner": kind, "key_unlearned": kind} for kind in ("none", "rt", *KINDS)]
    rows.append(row | {"unlearner": "rare_class", "key_unlearned": "again", "verdict": "3"})
    once = {"t": [0, 1]}
    expected = {"a/s": once} | {f"a/s/{kind}": once for kind in KINDS} | {"a/s/rare_class": {"t": [1, 2]}}
    assert condensed({"t": rows}) == expected


READ_LABELLED = (
    ("param_dot", "youden"),
    ("param_diff", "decision_tree"),
    ("aux_margin", "halfway"),
    ("aux_confidence", "halfway"),
)


def test_noisy_labels_alarm_attacks_that_read_margins_and_not_those_that_read_answers():
    """The committed figures of docs/results/controls.md, controls_mnist.md and five_percent.md."""
    noisy = {pair: kinds(*pair)["noisy_labels"][:2] for pair in READ_LABELLED}
    assert noisy == {
        ("param_dot", "youden"): (91, 92),
        ("param_diff", "decision_tree"): (19, 19),
        ("aux_margin", "halfway"): (89, 89),
        ("aux_confidence", "halfway"): (0, 89),
    }
    assert set(kinds("param_dot", "youden")) == set(KINDS)
    assert kinds("nothing", "here") == {}


def test_the_documents_figures_of_pairs_are_these():
    kept, lost, every = (pairs("output_change", "drop", fall) for fall in (0, 0.5, None))
    text = " ".join((ROOT / "docs" / "audit.md").read_text().split())
    assert f"in {kept.alarms} of the {kept.n} pairs" in text
    assert f"in {lost.alarms} of the {lost.n} that lost more" in text
    assert f"all {every.n} count" in text


def test_every_screening_of_an_audit_that_has_controls_is_one_that_may_stay_silent():
    for name in ATTACKS:
        for screening in composed(name).screenings:
            assert controls(name, screening).n >= 0
    assert controls("param_dot", "youden").alarms == 0
    assert controls("head_sum", "threshold").alarms == controls("head_sum", "threshold").n


def test_readers_of_verdicts_are_told_which_attacks_models_that_forgot_nothing_fool():
    said = fooled([("param_dot", "youden"), ("aux_confidence", "chance"), ("head_sum", "threshold")] * 2)
    loud = kinds("param_dot", "youden")["noisy_labels"]
    assert f"param_dot / youden: {loud.alarms} of {loud.n} (30 % wrong labels in one class)" in said
    assert said.count("param_dot") == 1
    assert said.endswith("no alarm: aux_confidence / chance.")
    assert "head_sum" not in said
    assert fooled([("head_sum", "threshold")]) == ""

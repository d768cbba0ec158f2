import csv
import json
from pathlib import Path

from docs.controls import SAME, made
from unlearnleak.auditing.committed import FILE, condensed, controls
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


def test_every_screening_of_an_audit_that_has_controls_is_one_that_may_stay_silent():
    for name in ATTACKS:
        for screening in composed(name).screenings:
            assert controls(name, screening).n >= 0
    assert controls("param_dot", "youden").alarms == 0
    assert controls("head_sum", "threshold").alarms == controls("head_sum", "threshold").n

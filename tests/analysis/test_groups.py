"""What counts once."""

import pytest

from tests.report.made import judged, run
from unlearnleak.analysis.compare import compare
from unlearnleak.analysis.groups import cases, controls_once, models
from unlearnleak.report.tables.leaks import table
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs, to_csv


def control(seed, asked, verdict=(), **changed):
    words = {"unlearner": "none", "forget_classes": [asked], "key_unlearned": f"model {seed}"}
    return run(**judged([], list(verdict), seed=seed) | words | changed)


def test_a_control_counts_once_whatever_it_was_asked_to_forget():
    runs = [control(seed, asked) for seed in range(2) for asked in range(6)]
    (line,) = table(framed(runs)).to_dict("records")
    assert line["exact"].startswith("2/2")


def test_a_control_is_one_model_and_one_case_in_every_comparison():
    runs = [control(seed, asked) for seed in range(5) for asked in range(3)]
    assert len(models(framed(runs))) == 5
    changes = compare(framed(runs), framed(runs)).changes
    assert {(one.n_before, one.n_after) for one in changes} == {(5, 5)}


def test_a_control_counts_once_in_a_csv_too(tmp_path):
    runs = [
        control(seed, asked, job=f"{seed} {asked}", key_unlearned=f"m{seed}") for seed in range(3) for asked in range(4)
    ]
    with (tmp_path / "runs.csv").open("w") as file:
        to_csv(runs, file)
    (line,) = table(framed(load_runs([tmp_path / "runs.csv"]))).to_dict("records")
    assert line["exact"].startswith("3/3")


@pytest.mark.parametrize(
    "changed", [{"attack": "head_sum"}, {"screening": "kmeans"}, {"settings": "other"}, {"key_unlearned": "of its own"}]
)
def test_other_attacks_settings_and_models_are_other_verdicts(changed):
    assert len(controls_once(framed([control(0, 3), control(0, 4, **changed)]))) == 2


def test_another_seed_of_the_attack_is_another_verdict():
    other = control(0, 4)
    other["seeds"] = other["seeds"] | {"attack": 9}
    assert len(cases(framed([control(0, 3), other]))) == 2


def test_targets_that_forgot_count_all():
    runs = [run(**judged([c], [c], key_unlearned=f"model {c}")) for c in range(4)]
    assert len(cases(framed(runs))) == 4

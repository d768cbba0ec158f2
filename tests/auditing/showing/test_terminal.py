import json

from unlearnleak.analysis.committed import controls
from unlearnleak.auditing.showing import terminal


def test_no_line_is_wider_than_80_and_the_answer_comes_first(leak, silent):
    for result, word in ((leak, "Leak"), (silent, "Silent")):
        lines = str(result).splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith(word)


def test_every_attack_that_ran_has_its_figures(leak):
    lines = terminal.text(leak).splitlines()
    of_controls = f"0/{controls('param_dot', 'youden').n}"
    row = next(line for line in lines if line.startswith("param_dot / youden") and of_controls in line)
    assert row.split()[3:] == ["3", "yes", "0/20", "20/20", of_controls, "exact,", "ASR", "100", "%"]


def test_alarms_stand_beside_every_attack_by_what_the_models_had_learnt(leak):
    said = terminal.text(leak)
    (row,) = (
        line for line in said.split("Alarms on models")[1].splitlines() if line.strip().startswith("param_dot / youden")
    )
    known = next(one for one in leak.attacks if one.name == "param_dot / youden").calibration
    cells = [f"{each.count}/{each.n}" for each in (known.controls, *known.kinds.values())]
    assert row.split()[3:] == cells
    noisy = known.kinds["noisy_labels"]
    assert noisy.count > noisy.n / 2  # by which this attack is fooled, so that the row shows more than zeros
    assert "noisy: 30 % wrong labels in one class" in " ".join(said.split())


def test_everything_that_did_not_run_is_named_with_its_reason(leak):
    said = " ".join(terminal.text(leak).split())
    for one in leak.attacks:
        assert one.attack in said
        assert one.why is None or " ".join(one.why.split()) in said


def test_scores_are_those_of_the_answer(leak):
    kept = json.loads(leak.to_json())
    row = next(line for line in terminal.text(leak).splitlines() if line.startswith("3 ") and "others" not in line)
    first = next(one for one in kept["attacks"] if one["counts"])
    assert f"{first['scores'][3]:.3g}*" in row

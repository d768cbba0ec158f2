"""A value that only some choices have a place for: the choices are named."""

import pytest

from tests.sweep.direct import sweep
from unlearnleak.errors import UserError


def jobs(folder, capsys_or_log, *words):
    with capsys_or_log.at_level("INFO"):
        sweep(folder, *words, "dry_run=true")
    return capsys_or_log.text


@pytest.mark.parametrize(
    "words",
    [
        ["unlearner=ft,rl", "unlearner.lr=0.1"],
        ["unlearner.lr=0.1", "unlearner=ft,rl"],
        ["unlearner=glob([ft*,rl])", "unlearner={lr: 0.1}"],
        ["unlearner=ft,rl", "unlearner.lr=0.1,0.2", "~unlearner.momentum", "+unlearner.momentum=0.5"],
    ],
)
def test_a_value_that_all_choices_have_is_set_in_all(tmp_path, caplog, words):
    per_unlearner = 2 if "unlearner.lr=0.1,0.2" in words else 1
    assert f"unlearned {2 * per_unlearner}" in jobs(tmp_path, caplog, "attack=head_sum", *words)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            ["unlearner=rt,ft,none,rl", "unlearner.lr=0.1"],
            ["unlearner.lr=0.1 suits unlearner=ft, unlearner=rl", "no such setting in unlearner=rt, unlearner=none."],
        ),
        (["unlearner.lr=0.1", "unlearner=ft,rt"], ["suits unlearner=ft;", "in unlearner=rt."]),
        (["unlearner=ft,rt", "unlearner={lr: 0.1}"], ["suits unlearner=ft;", "in unlearner=rt."]),
        (["unlearner=ft,rt", "~unlearner.clip_norm"], ["suits unlearner=ft;", "in unlearner=rt."]),
        (["unlearner=ft,ng", "unlearner.retain_weight=1,2", "seed=0,1"], ["suits unlearner=ng;", "in unlearner=ft."]),
        (
            ["seed=0,1", "attack=param_dot,inversion_gradient", "screening.k=2"],
            [
                "suits screening=threshold (as with attack=inversion_gradient);",
                "in screening=youden (as with attack=param_dot). Sweep them apart",
            ],
        ),
        (["+sweep=smoke", "unlearner.lr=0.1"], ["suits unlearner=rl;", "in unlearner=none."]),
    ],
)
def test_a_value_that_some_choices_lack_names_them(tmp_path, words, parts):
    params = {"unlearner": "rl,none"} if "+sweep=smoke" in words else None
    with pytest.raises(UserError) as refusal:
        sweep(tmp_path, *words, "dry_run=true", params=params)
    for part in parts:
        assert part in str(refusal.value)


def test_a_value_that_no_choice_has_names_what_there_is(tmp_path):
    with pytest.raises(UserError, match=r"(?s)'unlearner\.lrr'.*Settings of unlearner: .*, lr, .*In the job .*ft"):
        sweep(tmp_path, "unlearner=ft,rt", "unlearner.lrr=0.1", "dry_run=true")

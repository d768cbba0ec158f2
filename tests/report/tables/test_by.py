"""Runs by their settings."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.report.made import run, write_run
from unlearnleak.cli.commands import main
from unlearnleak.errors import UserError
from unlearnleak.report.tables.by import by as frame_by
from unlearnleak.report.tables.by import header
from unlearnleak.runs.frame import framed


def by(runs, keys) -> list[list[str]]:
    """Its rows."""
    rows: list[list[str]] = frame_by(framed(runs), keys).values.tolist()
    return rows


def configured(folder: Path, settings: dict[str, object], **changed: object) -> dict[str, object]:
    """A run with a configuration on disk."""
    folder.joinpath(".hydra").mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(settings), folder / ".hydra" / "config.yaml")
    told = {"directory": folder, "original_forget_acc": 0.98, "original_retain_acc": 0.97, "seconds_unlearned": 3.4}
    return run(**told | {"job": folder.name, "key_unlearned": folder.name} | changed)


@pytest.fixture
def runs(tmp_path):
    return [
        configured(tmp_path / "a", {"unlearner": {"lr": 0.1}}, forget_acc=0.02, retain_acc=0.90, seconds_unlearned=2.0),
        configured(tmp_path / "b", {"unlearner": {"lr": 0.1}}, forget_acc=0.04, retain_acc=0.92, seconds_unlearned=6.0),
        configured(tmp_path / "c", {"unlearner": {"lr": 0.02}}, forget_acc=0.30, gate="failed"),
    ]


def test_runs_with_the_same_settings_are_one_line_and_lines_are_in_order_of_the_numbers(runs):
    lines = [dict(zip(header(["unlearner.lr"]), row, strict=True)) for row in by(runs, ["unlearner.lr"])]
    assert [line["lr"] for line in lines] == ["0.02", "0.1"]
    assert lines[1] == {
        "data set": "digits",
        "unlearner": "rt",
        "classes": "1",
        "lr": "0.1",
        "n": "2",
        "forget": "3.0",
        "worst": "4.0",
        "retain": "91.0",
        "orig.": "97.0",
        "gate": "2/2",
        "seconds": "4",
    }
    assert lines[0]["gate"] == "0/1"


def test_a_model_that_two_attacks_were_run_against_counts_once(tmp_path, runs):
    again = configured(tmp_path / "d", {"unlearner": {"lr": 0.1}}, forget_acc=0.02, key_unlearned="a")
    assert by([*runs, again], ["unlearner.lr"]) == by(runs, ["unlearner.lr"])


def test_a_control_shows_what_the_original_took_and_no_gate(tmp_path):
    control = configured(
        tmp_path / "a", {"training": {"lr": 0.1}}, unlearner="none", gate="control", seconds_original=70.0
    )
    ((_, _, count, _, *cells),) = by([control], ["training.lr"])
    assert count == "0"
    assert cells[-2:] == ["-", "70"]


def test_a_setting_that_no_run_has_is_a_mistake_and_one_that_some_have_is_not(runs, tmp_path):
    with pytest.raises(UserError, match=r"unlearner\.nothing.*such as training\.lr"):
        by(runs, ["unlearner.lr", "unlearner.nothing"])
    other = configured(tmp_path / "other", {"unlearner": {"weight": 2}}, unlearner="ng")
    assert [row[1:5] for row in by([*runs, other], ["unlearner.lr", "unlearner.weight"])] == [
        ["rt", "1", "0.02", "-"],
        ["rt", "1", "0.1", "-"],
        ["ng", "1", "-", "2"],
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [("a: &a [x, x]\nb: &b [*a, *a]\nlr: *b\n", "aliases"), ("[" * 100, "nest|levels|while"), ("x: [", "while")],
    ids=["aliases", "deep", "half"],
)
def test_a_configuration_that_is_no_plain_data_is_named(runs, text, why):
    path = runs[1]["directory"] / ".hydra" / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=why) as error:
        by(runs, ["unlearner.lr"])
    assert str(path) in str(error.value)


def test_no_variable_of_the_environment_enters_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "hunter2")
    write_run(tmp_path / "a", key_unlearned="a", seconds_unlearned=1.0)
    hydra = tmp_path / "a" / ".hydra"
    hydra.mkdir()
    hydra.joinpath("config.yaml").write_text("seed: 7\nseeds: {data: '${seed}'}\nunlearner: {lr: '${oc.env:SECRET}'}\n")
    for form in ([], ["--markdown"]):
        assert main(["table", str(tmp_path), "--by", "unlearner.lr,seeds.data", *form]) == 0
        shown = capsys.readouterr()
        assert "hunter2" not in shown.out + shown.err
        assert "oc.env:SECRET" in shown.out
        assert " 7 " in shown.out


def test_a_result_without_times_or_keys_has_dashes(tmp_path):
    configured(tmp_path / "a", {"lr": 1})
    (row,) = by([run(directory=tmp_path / "a", forget_acc=None)], ["lr"])
    assert dict(zip(header(["lr"]), row, strict=True))["seconds"] == "-"


def test_every_setting_and_number_is_shown_at_every_width(runs, capsys, monkeypatch):
    keys = ["unlearner.lr", *(f"training.setting_number_{i}" for i in range(3))]
    for number, one in enumerate(runs):
        values = {f"setting_number_{i}": f"{number}{i}" * 6 for i in range(3)}
        OmegaConf.save(
            OmegaConf.create({"unlearner": {"lr": 0.1}, "training": values}),
            one["directory"] / ".hydra" / "config.yaml",
        )
        write_run(one["directory"] / "run", **{key: value for key, value in one.items() if key != "directory"})
        (one["directory"] / ".hydra").rename(one["directory"] / "run" / ".hydra")
    expected = {
        cell for row in by([one | {"directory": one["directory"] / "run"} for one in runs], keys) for cell in row
    }
    for width in ("40", "60", "80", "120", ""):
        monkeypatch.setenv("COLUMNS", width)
        assert main(["table", *(str(one["directory"]) for one in runs), "--by", ",".join(keys)]) == 0
        words = capsys.readouterr().out.replace(":", " ").split()
        assert expected | set(header(keys)[2:]) - {"data set"} <= {*words, "-"}


def test_no_two_columns_have_the_same_name():
    keys = ["unlearner.lr", "training.lr", "attack.n", "attack.steps", "unlearner.lr"]
    assert header(keys)[3:-7] == ["unlearner.lr", "training.lr", "attack.n", "steps"]


def test_the_same_setting_twice_and_the_same_word_twice(tmp_path, capsys):
    write_run(tmp_path / "a", key_unlearned="a", original_retain_acc=0.9, seconds_unlearned=1.0)
    tmp_path.joinpath("a", ".hydra").mkdir()
    settings = {"unlearner": {"lr": 0.25}, "training": {"lr": 0.5}}
    OmegaConf.save(OmegaConf.create(settings), tmp_path / "a" / ".hydra" / "config.yaml")
    assert main(["table", str(tmp_path), "--by", "unlearner.lr,training.lr,unlearner.lr"]) == 0
    shown = capsys.readouterr().out
    assert ("0.25" in shown, "0.5" in shown) == (True, True)
    assert shown.count("unlearner.lr") == 1


@pytest.mark.parametrize("group", ["unlearner", "training"])
def test_a_group_is_no_setting(tmp_path, group):
    configured(tmp_path / "a", {"unlearner": {"lr": 0.25}, "training": {"lr": 0.5}})
    with pytest.raises(UserError, match=f"^{group} is a group of settings"):
        by([run(directory=tmp_path / "a")], [group])


def test_a_table_of_runs_has_no_settings(tmp_path):
    with pytest.raises(UserError, match="not CSVs"):
        by([run(directory=tmp_path / "runs.csv", key_unlearned="a")], ["training.lr"])


def test_the_command_leaves_out_settings_that_an_unlearner_does_not_have(tmp_path, capsys):
    for name, settings in (("a", {"unlearner": {"lr": 0.1}}), ("b", {"unlearner": {"weight": 2}})):
        write_run(tmp_path / name, unlearner=name, key_unlearned=name, original_retain_acc=0.9, seconds_unlearned=1.0)
        tmp_path.joinpath(name, ".hydra").mkdir()
        OmegaConf.save(OmegaConf.create(settings), tmp_path / name / ".hydra" / "config.yaml")
    assert main(["table", str(tmp_path), "--by", "unlearner.lr,unlearner.weight"]) == 0
    first, second = capsys.readouterr().out.split("digits: ")[1:]
    assert ("lr" in first, "weight" in first) == (True, False)
    assert ("lr" in second, "weight" in second) == (False, True)
    assert main(["table", str(tmp_path), "--by", "unlearner.lr", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| data set | unlearner | classes | lr | n |")

import json
import subprocess
import sys

import pytest

from tests.report.made import write_run
from unlearnleak.cli.commands import COMMANDS, main
from unlearnleak.store import Contents, Store


def test_table_counts_every_run_and_names_those_that_failed(tmp_path, capsys):
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", asr=0.5)
    write_run(tmp_path / "c", "failed", "ValueError: [red]no[/red]")
    write_run(tmp_path / "d", "skipped", "no pair")
    assert main(["table", str(tmp_path)]) == 0
    out = "".join(capsys.readouterr().out.split())  # however the lines are folded
    assert "75.0" in out
    assert "2done,1failed,1skipped" in out
    assert "ValueError:[red]no[/red]" in out
    assert "nopair" not in out


def test_table_for_documents_is_markdown(tmp_path, capsys):
    write_run(tmp_path / "a", asr=0.25)
    assert main(["table", str(tmp_path), "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert "| 25.0 |" in lines[2]


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_without_runs_is_a_mistake(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.chdir(tmp_path)
    assert main(["table", folder]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert folder in captured.err
    assert "Name folders of runs" in captured.err


def test_clean_removes_leftovers_and_keeps_artifacts(tmp_path, capsys):
    store = Store(tmp_path)
    kept = store.get_or_compute("original", {"a": 1}, lambda: Contents({}, {"x": 1})).path
    killed = "import os; from unlearnleak.store import Store, Contents\n" + (
        f"Store({str(tmp_path)!r}).get_or_compute('original', {{'a': 2}}, lambda: os._exit(9))"
    )
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["clean", "--store", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    removed = left - {path for path in tmp_path.rglob("*") if path.is_file()}
    assert removed
    assert out.startswith(f"{len(removed)} ")
    assert {f"  {path}" for path in removed} == set(out.splitlines()[1:])
    assert json.loads((kept / "meta.json").read_text()) == {"x": 1}
    assert main(["clean", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("0 ")


def test_clean_refuses_what_is_not_ours_and_then_touches_nothing(tmp_path, capsys):
    store = Store(tmp_path / "store")
    store.get_or_compute("original", {"a": 1}, lambda: Contents({}, {}))
    left = store.lock(f"original-{'0' * 24}")
    theirs = [tmp_path / "theirs" / name for name in (".locks/poetry.lock", ".checkpoints/exp1/best.pt")]
    for path in [left, *theirs]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for words in (["--store", "theirs", "--runs", "theirs"], ["--store", "store", "--runs", "mistyped"]):
        given = [word if word.startswith("--") else str(tmp_path / word) for word in words]
        assert main(["clean", *given]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert given[1 if "theirs" in words else 3] in captured.err
        assert all(path.exists() for path in [left, *theirs])
    assert main(["clean", "--store", str(store.root)]) == 0
    assert not left.exists()


def test_clean_before_the_first_run_has_nothing_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["clean"]) == 0
    assert capsys.readouterr().out.startswith("0 ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [[], ["paper"], ["table"]], ids=str)
def test_unknown_words_end_with_the_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: unlearnleak" in capsys.readouterr().err


def test_the_old_word_of_a_command_names_the_new_one(tmp_path, capsys):
    assert main(["tables", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Error: `unlearnleak tables` is called `unlearnleak paper` now, with the same arguments.\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_the_arguments_of_no_other(command):
    code = f"import sys; from unlearnleak.cli.commands import parser; parser(['{command}']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {name for name in COMMANDS if f"unlearnleak.cli.{name}" in loaded} == {command}
    assert not loaded & {"torch", "pandas", "numpy", "matplotlib", "rich", "pydantic", "wandb", "omegaconf", "hydra"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--shuffle-truth", "-1"], "--shuffle-truth=-1"),
        (["--csv", "--columns", "asr,nothing"], "nothing"),
        (["--csv", "--columns", "asr,,gate"], "--columns=asr,,gate"),
        (["--csv", "--columns", ""], "columns=''"),
        (["--columns", "asr"], "--columns=asr"),
        (["--csv", "--markdown"], "--markdown"),
        (["--by", "training.nothing"], "training.nothing"),
        (["--by", ","], "--by=,"),
        (["--by", ""], "by=''"),
        ([""], "runs=''"),
        (["status.json"], "status.json"),
    ],
    ids=str,
)
def test_a_mistake_in_an_argument_is_named_in_one_line(tmp_path, monkeypatch, capsys, words, named):
    folder = write_run(tmp_path / "a", num_classes=10, scores=[0.0] * 10, verdict=[3], key_unlearned="a")
    folder.joinpath(".hydra").mkdir()
    folder.joinpath(".hydra", "config.yaml").write_text("training: {lr: 1}\n")
    monkeypatch.chdir(folder)
    assert main(["table", str(tmp_path), *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert named in captured.err
    (_,) = captured.err.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        *(["--shuffle-truth", text] for text in ("1.5", "x", "nan", "1e3", "9" * 5000)),
        *(["--pivot", "nothing"], ["--csv", "--by", "training.lr"]),
    ],
    ids=["half", "word", "nan", "e", "digits", "pivot", "both"],
)
def test_what_is_no_value_at_all_ends_with_the_usage(tmp_path, capsys, words):
    with pytest.raises(SystemExit) as end:
        main(["table", str(write_run(tmp_path / "a")), *words])
    assert end.value.code == 2
    assert "usage: unlearnleak table" in capsys.readouterr().err


def test_any_seed_from_0_on_shuffles_the_truth(tmp_path, capsys):
    write_run(tmp_path / "a", num_classes=10, scores=[0.0] * 10, verdict=[3])
    for seed in ("0", str(2**64), "9" * 100):
        assert main(["table", str(tmp_path), "--shuffle-truth", seed]) == 0
        assert f"(seed {seed})" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x[/y]", "[lenet]", "[red]a[/red]", "[link=x]b[/link]", "[", "\\[b]"])
@pytest.mark.parametrize("form", [[], ["--by", "training.lr"], ["--by", "training.lr", "--markdown"]], ids=str)
def test_no_name_is_markup(tmp_path, monkeypatch, capsys, name, form):
    folder = write_run(tmp_path / name / "a", dataset=name, attack=name, unlearner=name, key_unlearned="a")
    folder.joinpath(".hydra").mkdir()
    folder.joinpath(".hydra", "config.yaml").write_text(json.dumps({"training": {"lr": name}}))
    write_run(tmp_path / name / "b", "failed", name)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["table", str(tmp_path / name), *form]) == 0
    out = capsys.readouterr().out.replace("\\\\", "\\")  # Markdown's own signs are written with a backslash
    assert out.count(name) >= (2 if form else 5)


def test_names_and_reasons_move_no_cursor(tmp_path, capsys):
    write_run(tmp_path / "a\x1b[2J", dataset="d\x1b]0;title\x07", unlearner="rt\x1b[8m")
    write_run(tmp_path / "b", "failed", "no\x1b[2J\r")
    assert main(["table", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert [letter for letter in out if not letter.isprintable() and letter != "\n"] == []
    assert "\\x1b[2J" in out


def test_table_tells_data_sets_of_one_name_apart_and_says_what_is_unproven(tmp_path, capsys):
    for name, classes in (("a", 5), ("b", 7)):
        write_run(tmp_path / name, dataset="npz", num_classes=classes)
    assert main(["table", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"npz (5 classes): param_dot / youden", "npz (7 classes): param_dot / youden"} <= set(lines)
    assert any(line.startswith("2 finished runs are unproven: ") for line in lines)

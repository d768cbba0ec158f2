"""What a shell completes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unlearnleak.cli.commands import COMMANDS, parsers
from unlearnleak.cli.completion import answer, is_query, line_words, of_command


def offered(monkeypatch, line: str, shell: str = "bash", hydra=lambda: None) -> list[str]:
    monkeypatch.setenv("COMP_LINE", line)
    return answer(shell, COMMANDS, hydra).split("\n")


def launched(folder: Path) -> None:
    plan = folder / ".launches" / "1" / "plan.json"
    plan.parent.mkdir(parents=True)
    plan.write_text(json.dumps({}))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("unlearnleak", []),
        ("unlearnleak ", [""]),
        ("unlearnleak ta", ["ta"]),
        ("unlearnleak table  x ", ["table", "x", ""]),
        ("python run.py ta", ["ta"]),
        ("", []),
    ],
)
def test_the_last_word_is_the_one_that_is_being_written(line, words):
    assert line_words(line) == words


def test_only_a_shells_question_is_one():
    assert is_query(["-sc", "query=zsh"])
    assert not any(map(is_query, ([], ["-sc"], ["-sc", "install=bash"], ["table", "query=bash"], ["-m", "query=bash"])))


def test_commands_stand_beside_what_hydra_offers_for_the_first_word(monkeypatch):
    assert offered(monkeypatch, "unlearnleak s", hydra=lambda: print("seed= store=")) == [
        *("status", "sync", "seed=", "store=")
    ]
    assert offered(monkeypatch, "unlearnleak seed=1 s", hydra=lambda: print("store=")) == ["store="]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_offers_its_options_and_asks_hydra_nothing(monkeypatch, command):
    found = offered(monkeypatch, f"unlearnleak {command} --", hydra=lambda: pytest.fail("asked Hydra"))
    options = {name for action in parsers()[command]._actions for name in action.option_strings}
    assert set(found) == {name for name in options if name.startswith("--")}
    assert "--help" in found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("table --pivot ", ["ASR", "exact", "gate", "placebo"]),
        ("table outputs/runs/demo --pivot ga", ["gate"]),
        ("table --pivot=ga", ["--pivot=gate"]),
        ("paper --table V", ["V", "VI", "VII", "VIII"]),
        ("variance x --metric for", ["forget_acc"]),
        ("sync --workers ", []),
        ("table outputs/", []),
    ],
)
def test_values_are_offered_where_they_are_known(monkeypatch, line, words):
    found = [word for word in offered(monkeypatch, f"unlearnleak {line}") if word]
    assert set(words) <= set(found)
    assert bool(words) == bool(found)


def test_status_offers_sweeps_and_nothing_that_a_shell_would_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("demo", "digits_one", "$(touch ran)", "`touch ran`", "a b", "x;y", "caf\u00e9\x1b[2J"):
        launched(tmp_path / "outputs" / "runs" / name)
    (tmp_path / "outputs" / "runs" / "no_sweep").mkdir()
    assert of_command(["status", ""])[-2:] == ["digits_one", "x;y"]
    assert offered(monkeypatch, "unlearnleak status ") == ["demo", "digits_one"]
    assert offered(monkeypatch, "unlearnleak status di") == ["digits_one"]


def test_fish_is_told_files_which_the_others_find_by_themselves(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    assert offered(monkeypatch, "unlearnleak table ru", "fish") == ["runs"]
    assert offered(monkeypatch, "unlearnleak table runs/d", "fish") == ["runs/demo"]
    assert offered(monkeypatch, "unlearnleak table nowhere/d", "fish") == [""]
    assert offered(monkeypatch, "unlearnleak table ru", "bash") == [""]


COMPLETE = """
eval "$(unlearnleak -sc install=bash)"
for COMP_LINE in "$@"; do
    words=($COMP_LINE); COMP_CWORD=$((${#words[@]} - 1)); COMP_POINT=${#COMP_LINE}; COMPREPLY=()
    hydra_bash_completion unlearnleak
    echo "${COMPREPLY[*]}"
done
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is installed")
def test_bash_completes_commands_options_and_settings(tmp_path):
    program = tmp_path / "bin" / "unlearnleak"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom unlearnleak.run import main\nmain()\n")
    program.chmod(0o755)
    launched(tmp_path / "outputs" / "runs" / "$(touch ran)")
    launched(tmp_path / "outputs" / "runs" / "demo")
    lines = ["unlearnleak tab", "unlearnleak table x --shu", "unlearnleak unlearner=r", "unlearnleak status de"]
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", *lines],
        cwd=tmp_path,
        env={"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line.split() for line in done.stdout.splitlines()]
    assert found == [
        *(
            ["table"],
            ["--shuffle-truth"],
            [f"unlearner={word}" for word in ("rare_class", "refit", "rl", "rt", "rt_noisy_labels", "rt_rare_class")],
            ["demo"],
        ),
    ], done.stderr
    assert not (tmp_path / "ran").exists()

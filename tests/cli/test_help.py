"""Every command says what it does, and its examples are ones that it takes."""

import shlex
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from unlearnleak import cli
from unlearnleak.cli.commands import COMMANDS, module, parser, parsers
from unlearnleak.config.folder import config_folder


def test_no_command_is_forgotten():
    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py") if "def register(" in path.read_text()}
    assert set(parsers()) == set(COMMANDS) == files


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_the_command_does_and_what_every_argument_is(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        parser().parse_args([command, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80
    own = parsers()[command]
    assert own.get_default("function").__doc__.rstrip(".") in words
    assert "examples:" in shown
    assert [action.dest for action in own._actions if not action.help] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_possible(command, capsys):
    for words, what in module(command).EXAMPLES:
        arguments = parser().parse_args([command, *shlex.split(words)])
        assert arguments.command == command
        assert what


def test_the_help_of_runs_names_every_command():
    """Hydra's own help is what `unlearnleak --help` shows: its header is a text of conf/config.yaml."""
    header = OmegaConf.load(Path(config_folder()) / "config.yaml").hydra.help.header
    told = next(line for line in header.splitlines() if line.startswith("Commands"))
    assert tuple(told.rstrip(".").partition(": ")[2].split(", ")) == COMMANDS

"""What a shell offers to complete: the commands and their arguments, beside the settings that Hydra knows.

Hydra's script (`unlearnleak -sc install=bash`) asks `unlearnleak -sc query=SHELL` with the line so far in COMP_LINE.
Hydra answers for runs; what begins with a command is answered here.
"""

import argparse
import contextlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

from unlearnleak.cli.commands import parsers
from unlearnleak.runs.launch import LAUNCHES, PLAN

ASKING, QUERY = ("-sc", "--shell-completion", "--shell_completion"), "query="
ACTED_ON = re.compile(r"[$`\\\"';&|<>()\s]|[^\x20-\x7e]")
"""What a shell may act on: bash expands the words that it is offered, and some are names of files."""


def is_query(words: list[str]) -> bool:
    """Whether a shell asks, with these words behind the program's name."""
    return (
        words[:1] in (["-sc"], ["--shell-completion"], ["--shell_completion"])
        and words[1:2] != []
        and words[1].startswith(QUERY)
    )


def answer(shell: str, commands: tuple[str, ...], hydra: Callable[[], object]) -> str:
    """The words that fit the line in COMP_LINE, a line each; `hydra` prints what Hydra offers."""
    words = line_words(os.environ.get("COMP_LINE", ""))
    first, fitting = words[0] if words else "", []
    if len(words) > 1 and first in commands:
        fitting = [word for word in of_command(words) if word.startswith(words[-1])]
        if not fitting and shell == "fish":  # the others offer files by themselves
            fitting = files(words[-1])
    else:
        fitting = [name for name in commands if len(words) == 1 and name.startswith(first)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            hydra()
        fitting += said.getvalue().split()
    return "\n".join(word for word in fitting if not ACTED_ON.search(word))


def line_words(line: str) -> list[str]:
    """The words of a line behind the program; the last is the one that is being written, "" after a space."""
    words = [*line.split(), *([""] if line.endswith((" ", "\t")) else [])]
    return words[2:] if words and Path(words[0]).name.startswith("python") else words[1:]


def of_command(words: list[str]) -> list[str]:
    """What may stand in the place of the last word of a command; nothing where that is a file or a number."""
    command, *before, word = words
    parser = parsers([command])[command]
    options = {name: action for action in parser._actions for name in action.option_strings}
    name, equals, _ = word.partition("=")
    if equals and name in options:
        return [f"{name}={value}" for value in values(options[name])]
    if before and before[-1] in options and options[before[-1]].nargs != 0:
        return values(options[before[-1]])
    if word.startswith("-"):
        return list(options)
    places = [action for action in parser._actions if not action.option_strings]
    return sweeps(Path(parser.get_default("runs"))) if any(place.dest == "sweep" for place in places) else []


def values(action: argparse.Action) -> list[str]:
    """The values that an option may have, where they are few."""
    return [str(value) for value in action.choices or ()]


def sweeps(runs: Path) -> list[str]:
    """The names of sweeps that were launched."""
    return sorted({path.parents[2].name for path in runs.glob(f"*/{LAUNCHES}/*/{PLAN}")})


def files(word: str) -> list[str]:
    """Files and folders that begin so."""
    folder, _, start = word.rpartition("/")
    where = Path(folder + "/") if "/" in word else Path()
    if not where.is_dir():
        return []
    found = sorted(path for path in where.iterdir() if path.name.startswith(start))
    return [f"{folder}/{path.name}" if "/" in word else path.name for path in found]

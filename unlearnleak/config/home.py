"""A path that begins with ~ is in the home folder, wherever it is named: no shell expands KEY=~/FOLDER."""

import os
import re

PLACES = re.compile(r"(?P<key>\+{0,2}hydra\.(run|sweep)\.dir=)(?P<quote>['\"]?)(?P<path>~.*)")
OPTION = re.compile(r"(?P<key>--[\w-]+=)?(?P<quote>)(?P<path>~.*)")


def in_home(path: object) -> str:
    """`path` with its ~ or ~USER expanded; a resolver of the config, whose `runs` it is.

    Raises:
        ValueError: nothing is named.
    """
    if path is None or path == "":
        raise ValueError("runs is to name a folder, such as runs=outputs/runs")
    return os.path.expanduser(str(path))  # noqa: PTH111  (as text: a Path would lose a last slash, or make "." of "")


def run_words(words: list[str]) -> list[str]:
    """A run's words with the places expanded that Hydra itself makes; of all others whoever reads them takes care."""
    return [expanded(word, PLACES) for word in words]


def command_words(words: list[str]) -> list[str]:
    """The words of a command such as `table`, all of whose arguments with a ~ are paths."""
    return [expanded(word, OPTION) for word in words]


def expanded(word: str, pattern: re.Pattern[str]) -> str:
    """A word in whose path, if it is of that form, ~ is expanded."""
    found = pattern.fullmatch(word)
    return f"{found['key'] or ''}{found['quote']}{in_home(found['path'])}" if found else word

"""The table of the console script's commands that are not a run: help, completion and dispatch are made from it.

A command NAME is the module `unlearnleak.cli.NAME`. It has `register`, which adds its arguments and its function, and
EXAMPLES. What a command needs is imported by its function alone, so that the others answer at once.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from unlearnleak.cli.help import explain
from unlearnleak.config.home import command_words
from unlearnleak.errors import UserError, require
from unlearnleak.machine.printable import LINES, printable

COMMANDS = ("audit", "table", "paper", "variance", "report", "status", "sync", "dashboard", "clean", "export")
MISUSED = 2
"""argparse's exit status; a command of which it means something else has a MISUSED of its own."""
RENAMED = {"tables": "paper"}
"""Words that were commands, and the words that are now."""


def module(command: str) -> Any:
    """The module of a command."""
    return import_module(f"unlearnleak.cli.{command}")


def parser(names: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """The commands of these names and their arguments."""
    top = argparse.ArgumentParser(prog="unlearnleak", description="The commands that are not a run.")
    commands = top.add_subparsers(dest="command", required=True)
    for name in names:
        module(name).register(commands)
        explain(name, commands.choices[name], module(name).EXAMPLES)
    top.set_defaults(parsers=commands.choices)
    return top


def parsers(names: Iterable[str] = COMMANDS) -> dict[str, argparse.ArgumentParser]:
    """Each command's own arguments."""
    found: dict[str, argparse.ArgumentParser] = parser(names).get_default("parsers")
    return found


def refuse_empty(arguments: argparse.Namespace) -> None:
    """Raises UserError for an empty word, as of an unset variable of a shell: as a folder it would be this one."""
    for name, value in vars(arguments).items():
        words = value if isinstance(value, list) else [value]
        require("" not in words, name, "''", "an empty word names nothing")


def parsed(words: list[str]) -> argparse.Namespace:
    """The command's arguments. Raises SystemExit where they are none, with 2 unless that means something else there."""
    names = words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS
    try:
        return parser(names).parse_args(command_words(words))
    except SystemExit as end:
        if end.code == MISUSED and names is not COMMANDS:
            raise SystemExit(getattr(module(names[0]), "MISUSED", MISUSED)) from None
        raise


def main(words: list[str]) -> int:
    """Run one command; a mistake of the user ends it with a message and exit status 1."""
    try:
        if words[:1] and (now := RENAMED.get(words[0])):
            raise UserError(f"`unlearnleak {words[0]}` is called `unlearnleak {now}` now, with the same arguments.")
        arguments = parsed(words)
        refuse_empty(arguments)
        return int(arguments.function(arguments))
    except UserError as error:
        print(f"Error: {printable(error, keep=LINES)}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0

"""What `unlearnleak COMMAND --help` says beside the arguments: what the command does, and examples."""

import argparse
import textwrap

Examples = tuple[tuple[str, str], ...]
"""The words after `unlearnleak COMMAND`, and what they give."""


class Paragraphs(argparse.HelpFormatter):
    """Breaks lines within paragraphs, and leaves those alone that begin with a space."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = [[line] if line.startswith(" ") else textwrap.wrap(line, width) or [""] for line in text.splitlines()]
        return "\n".join(indent + line for some in lines for line in some)


def explain(name: str, command: argparse.ArgumentParser, examples: Examples) -> None:
    """Give a command's --help its own sentence, what was written already, and examples."""
    own = command.get_default("function").__doc__
    command.description = "\n\n".join(filter(None, [own, command.description]))
    shown = [(f"unlearnleak {name} {words}".strip(), what) for words, what in examples]
    command.epilog = "\n".join(["examples:", *(f"  {words}\n      {what}" for words, what in shown)])
    command.formatter_class = Paragraphs

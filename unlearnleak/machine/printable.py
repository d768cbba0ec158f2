"""Text from outside on a terminal: names of folders, results, reasons and overrides hold whatever somebody wrote there.

A name may hold escape codes that move the cursor, square brackets that rich takes for markup, letters that the
terminal's encoding lacks. `printable` is for `print`, `plain` for everything that rich prints.
"""

import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

LINES = "\n\t"
"""What a text of several lines keeps, such as a stack trace."""


def printable(text: object, *, keep: str = "") -> str:
    r"""The text on one line, with everything that a terminal would act on or hide written out, as `\x1b` or `\n`.

    That is control characters, marks that reverse the direction of what follows, and bytes of a file's name that are
    no text. `keep` names characters that stay, such as the line ends of a stack trace.
    """
    return "".join(letter if shows(letter) or letter in keep else escaped(letter) for letter in str(text))


def first_line(text: object) -> str:
    """The first line of a text of several, such as a reason with a stack trace below it; "" of an empty one."""
    return (str(text).splitlines() or [""])[0]


def shows(letter: str) -> bool:
    """Whether a character is only what it looks like; spaces of any width are."""
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def escaped(letter: str) -> str:
    """A character as it is written in a Python string."""
    return letter.encode("unicode_escape").decode("ascii")


def plain(text: object, style: str = "") -> "Text":
    """The same for rich: a cell, a title or a line in which nothing is markup."""
    from rich.text import Text  # noqa: PLC0415  (every command imports this module)

    return Text(printable(text), style=style)


def write_any_letter() -> None:
    """Let standard output and error write letters that their encoding lacks as escapes, where they would stop."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):  # None where it was closed
            reconfigure(errors="backslashreplace")

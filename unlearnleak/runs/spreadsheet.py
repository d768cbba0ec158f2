"""Text from outside in a CSV: a spreadsheet shows it, and computes none of it.

A cell whose text begins with = + - @ is a formula to a spreadsheet, and may call programs or send what the sheet holds
somewhere. Such a text gets an apostrophe before it, which `text_of` takes away again. Numbers stay numbers.
"""

import re
from typing import TYPE_CHECKING, Any

from unlearnleak.machine.printable import printable

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

FORMULA = re.compile("'*[=+\\-@\n\uff1d\uff0b\uff0d\uff20].", re.DOTALL)
"""Line ends too, and the wide signs that some spreadsheets read alike. Tabs and carriage returns are written out."""
NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?")


def cell(value: Any) -> Any:
    """What is written for a value: of text, characters that a terminal would act on are written out, but line ends."""
    if not isinstance(value, str):
        return value
    text = printable(value, keep="\n")
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def text_of(written: str) -> str:
    """The text that `cell` was given."""
    return written[1:] if written.startswith("'") and FORMULA.match(written) else written


def csv_text(data: "pd.DataFrame") -> str:
    """A table for programs, and for spreadsheets, which compute nothing of what they are given."""
    text: str = data.map(cell).rename(columns=cell).to_csv(index=False, lineterminator="\n")
    return text

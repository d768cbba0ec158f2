"""Text from outside in Markdown: a cell of a table shows it, and none of it is a link, an image or HTML."""

import re
from typing import TYPE_CHECKING

from unlearnleak.machine.printable import printable

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

SIGNS = {"\\": "\\\\", "|": "\\|", "`": "\\`", "~": "\\~", "$": "\\$"}
SIGNS |= {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
STAR = re.compile(r"\*(?=\S)")
TABLE = str.maketrans(SIGNS)


def cell(text: object) -> str:
    """The text on one line. Brackets, stars and underscores stay where they begin nothing, as in intervals."""
    return STAR.sub(r"\\*", printable(text).translate(TABLE)).replace("](", "]\\(")


def markdown_lines(header: list[str], body: list[list[str]]) -> str:
    """A table in Markdown, in whose cells nothing is markup."""
    lines = [[cell(word) for word in header], ["---"] * len(header), *([cell(word) for word in line] for line in body)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown_table(table: "pd.DataFrame") -> str:
    """The same of a frame: its columns, without its index."""
    return markdown_lines([str(name) for name in table], table.astype(str).values.tolist())

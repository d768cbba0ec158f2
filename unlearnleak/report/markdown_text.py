"""Text from outside in Markdown: a cell of a table shows it, and none of it is a link, an image or HTML."""

import re

from unlearnleak.machine.printable import printable

SIGNS = {"\\": "\\\\", "|": "\\|", "`": "\\`", "~": "\\~", "$": "\\$"}
SIGNS |= {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
STAR = re.compile(r"\*(?=\S)")
TABLE = str.maketrans(SIGNS)


def cell(text: object) -> str:
    """The text on one line. Brackets, stars and underscores stay where they begin nothing, as in intervals."""
    return STAR.sub(r"\\*", printable(text).translate(TABLE)).replace("](", "]\\(")

"""Text from outside in Markdown: a cell of a table shows it, and none of it is a link, an image or HTML."""

from unlearnleak.printable import printable

SIGNS = {"\\": "\\\\", "|": "\\|", "`": "\\`", "*": "\\*", "~": "\\~", "$": "\\$"}
SIGNS |= {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
TABLE = str.maketrans(SIGNS)


def cell(text: object) -> str:
    """The text on one line. Brackets stay, as in intervals, but begin no link; so do underscores within words."""
    return printable(text).translate(TABLE).replace("](", "]\\(")

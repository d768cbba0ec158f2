"""Tables in LaTeX."""

import re

from unlearnleak.machine.printable import printable
from unlearnleak.report.tables.table import Table, lines

LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}  # other signs in LaTeX's own font
LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}
UNKNOWN = re.compile("[^ -~À-ÏÑ-Ýß-ïñ-ýÿ]")
"""What LaTeX knows no letter for until it is told of more fonts."""


def latex(table: Table) -> str:
    """The table in LaTeX, with booktabs' rules; it may be longer than a page."""
    header, *body = [[latex_text(str(value)) for value in line] for line in lines(table.shown)]
    guard = ("[", "*")  # after the end of the row above these would be read as its options
    rows = "\n".join("{}" * line[0].startswith(guard) + " & ".join(line) + r" \\" for line in body)
    return "\n".join(
        [
            r"% \usepackage{booktabs,longtable}",
            rf"\begin{{longtable}}{{{'l' * len(header)}}}",
            rf"\caption{{{latex_text(table.caption)}}} \label{{tab:{table.stem}}} \\",
            r"\toprule",
            " & ".join(header) + r" \\",
            r"\midrule",
            r"\endhead",
            rows,
            r"\bottomrule",
            r"\end{longtable}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Text on one line in which nothing is a command; a letter that LaTeX may not know is named by its number."""
    line = printable(" ".join(text.split()))
    known = UNKNOWN.sub(lambda found: f"[U+{ord(found.group()):04X}]", line)
    return "".join(LATEX.get(character, character) for character in known)

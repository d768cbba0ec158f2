"""Tables in LaTeX."""

import re

from unlearnleak.machine.printable import printable
from unlearnleak.report.tables.table import Table

LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}  # other signs in LaTeX's own font
LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}
UNKNOWN = re.compile("[^ -~À-ÏÑ-Ýß-ïñ-ýÿ]")
"""What LaTeX knows no letter for until it is told of more fonts."""


def latex(table: Table) -> str:
    """The table in LaTeX, with booktabs' rules; it may be longer than a page."""
    shown = table.shown.astype(str).map(latex_text).rename(columns=lambda name: latex_text(str(name)))
    first = shown.columns[0]  # what begins with these would be read as options of the row above
    shown[first] = shown[first].where(~shown[first].str.startswith(("[", "*")), "{}" + shown[first])
    written: str = shown.to_latex(
        index=False, longtable=True, escape=False, caption=latex_text(table.caption), label=f"tab:{table.stem}"
    )
    return f"% \\usepackage{{booktabs,longtable}}\n{written}"


def latex_text(text: str) -> str:
    """Text on one line in which nothing is a command; a letter that LaTeX may not know is named by its number."""
    line = printable(" ".join(text.split()))
    known = UNKNOWN.sub(lambda found: f"[U+{ord(found.group()):04X}]", line)
    return "".join(LATEX.get(character, character) for character in known)

"""Which of the paper's tables any run belongs to: those of dashes alone are left out, and named."""

from collections import defaultdict

from unlearnleak.papers.label_leakage.tables import Line


def section(line: Line) -> tuple[str, str]:
    """The table of a line, and the part of it that is printed by itself: a data set, or an attack and screening."""
    return line.table, f"{line.attack} / {line.screening}" if line.attack else line.dataset


def occupied(lines: list[Line]) -> tuple[list[Line], str]:
    """The lines of all parts that have a run, and a sentence on those left out, "" where none was."""
    kept = {section(line) for line in lines if line.runs}
    empty: dict[str, list[str]] = defaultdict(list)
    for table, part in dict.fromkeys(map(section, lines)):
        if (table, part) not in kept:
            empty[table].append(part)
    tables = {table for table, _ in kept}
    words = [table if table not in tables else f"{table} ({', '.join(parts)})" for table, parts in empty.items()]
    left = f"No run belongs to these of the paper's tables, which are left out: {', '.join(words)}." if words else ""
    return [line for line in lines if section(line) in kept], left

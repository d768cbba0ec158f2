"""Write unlearnleak/auditing/controls.json from docs/results: python docs/controls.py

How often each attack raised an alarm on models that forgot nothing. `unlearnleak audit` shows it beside its answer.
"""

import csv
import json
from pathlib import Path

from unlearnleak.auditing.committed import FILE, Counts, condensed

RESULTS = Path(__file__).parent / "results"
SAME = ("controls", "defense_strengths", "few_samples", "unlearners", "unlearners_mnist", "weaker")
"""Tables that hold controls of others again (of `digits`, `defenses`), which count once, and some of their own."""


def made(results: Path = RESULTS) -> Counts:
    """What the tables of a folder hold."""
    tables: dict[bool, dict[str, list[dict[str, str]]]] = {False: {}, True: {}}
    for path in sorted(results.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem in SAME][path.stem] = list(csv.DictReader(file))
    return condensed(tables[False], tables[True])


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=1) + "\n", encoding="utf-8")

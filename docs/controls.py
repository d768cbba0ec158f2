"""Write unlearnleak/analysis/controls.json from docs/results: python docs/controls.py

How often each attack raised an alarm on models that forgot nothing. `unlearnleak audit` shows it beside its answer.
"""

import csv
import json
from pathlib import Path

from unlearnleak.analysis.committed import FILE, Counts, condensed

RESULTS = Path(__file__).parent / "results"


def made(results: Path = RESULTS) -> Counts:
    """What the tables of a folder hold."""
    tables = {}
    for path in sorted(results.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
    return condensed(tables)


if __name__ == "__main__":
    FILE.write_text(json.dumps(made(), indent=1) + "\n", encoding="utf-8")

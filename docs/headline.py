"""Print the table of exact verdicts over all unlearners: python docs/headline.py docs/results/mnist.csv ...

Intervals (95 %) are Wilson's with the effective number of targets (`unlearnleak/analysis/pooled.py`).
"""

import sys
from pathlib import Path

from unlearnleak.analysis.pooled import pooled
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs

HEAD = ["data set", "attack / screening", "classes", "exact", "95 %", "targets", "originals", "effective n"]


def main(paths: list[str]) -> str:
    """The table of the runs in these folders or CSVs."""
    runs = [run for run in load_runs([Path(path) for path in paths]) if run["status"] == "done"]
    body = [
        [
            *(line.dataset, f"{line.attack} / {line.screening}", str(line.classes), f"{line.hits}/{line.n}"),
            *(f"{100 * line.low:.0f} to {100 * line.high:.0f}", str(line.targets), str(line.originals)),
            f"{line.effective:.0f}",
        ]
        for line in pooled(framed(runs)).rename(columns={"count": "classes"}).itertuples()
    ]
    return markdown_lines(HEAD, body)


if __name__ == "__main__":
    print(main(sys.argv[1:]))

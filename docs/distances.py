"""Print which unlearners differ from retraining by more than two retrained models do: python docs/distances.py CSV

Each model is held against the pair of models that were retrained for it. The signs of the differences are permuted, and
the p values of each number are adjusted together (Holm).
"""

import sys
from pathlib import Path

from unlearnleak.analysis.compare import holm, permuted
from unlearnleak.analysis.evaluated import BESIDE, Measured, measured
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs

HEAD = ["unlearner", "n", "answers farther", "p", "adjusted p", "relearned sooner", "p", "adjusted p"]
NUMBERS = {"js_forget_test": 1, "relearn_steps": -1}
"""What is compared, and the sign of a difference that is unlike retraining."""


def beyond(one: Measured, name: str, sign: int) -> tuple[int, float]:
    """Of how many models the number lies beyond that of their two retrained ones, and p, two-sided."""
    own, pair = (one.runs[f"evaluation.{told}{name}"].to_numpy(float) for told in ("", BESIDE[0]))
    differences = sign * (own - pair)
    p = permuted((differences,), lambda d, axis: d.mean(axis), "samples") if differences.any() else 1.0
    return int((differences > 0).sum()), p


def main(table: Path) -> str:
    """A line per unlearner that was to forget something."""
    lines = [one for one in measured(framed(load_runs([table]))) if one.classes != "0"]
    found = [[beyond(one, *number) for number in NUMBERS.items()] for one in lines]
    adjusted = zip(*(holm([p for _, p in column]) for column in zip(*found, strict=True)), strict=True)
    body = [
        [one.unlearner, str(len(one.runs))]
        + [cell for (count, p), q in zip(line, qs, strict=True) for cell in (str(count), f"{p:.2g}", f"{q:.2g}")]
        for one, line, qs in zip(lines, found, adjusted, strict=True)
    ]
    return markdown_lines(HEAD, body)


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))

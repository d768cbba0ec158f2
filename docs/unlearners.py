"""Print which unlearners leak less than ascent, and which models no attack names: python docs/unlearners.py CSV...

A verdict is an attack with a screening on a model. On the same targets an unlearner's share of exact verdicts is held
against that of ng: signs are permuted by target, and the p values of a data set are adjusted together (Holm).
"""

import sys
from pathlib import Path

import pandas as pd

from unlearnleak.analysis.compare import holm, permuted
from unlearnleak.analysis.groups import cases
from unlearnleak.metric.interval import bootstrap_mean, wilson
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.frame import framed
from unlearnleak.runs.loading import load_runs

LINE = "ng"
"""What the others are held against."""
LEAST = 8
"""Targets, for an interval."""
HEAD = ["data set", "unlearner", "gate", "exact verdicts", "share", f"less than {LINE}", f"points from {LINE}", "p"]
HEAD += ["adjusted p", "fewest that name a model", "named by none", "ranked first by none"]


def by_model(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per unlearner and target: how many verdicts, how many exact, how often ranked first, and the gate."""
    known = runs[runs["gate"] != "control"]
    first = known["forgotten_ranked_first"].astype(float)
    return (
        known.assign(first=first, passed=known["gate"] == "passed", target=known["target"].map(str))
        .groupby(["dataset", "unlearner", "target"], sort=False)
        .agg(n=("exact_match", "size"), exact=("exact_match", "sum"), first=("first", "sum"), passed=("passed", "all"))
    )


def against(own: pd.DataFrame, line: pd.DataFrame) -> tuple[str, str, float]:
    """On how many targets that both have the share is the smaller one; how many points smaller, and p, two-sided.

    The points' interval (95 %, BCa) draws the targets; none for fewer than eight, of which it would be too narrow.
    """
    both = (own["exact"] / own["n"]).to_frame("own").join((line["exact"] / line["n"]).rename("line"), how="inner")
    difference = (both["own"] - both["line"]).to_numpy(float)
    p = permuted((difference,), lambda d, axis: d.mean(axis), "samples") if difference.any() else 1.0
    ends = bootstrap_mean(100 * difference) if len(both) >= LEAST else None
    told = f"{100 * difference.mean():+.0f}" + (f" [{ends[0]:+.0f}, {ends[1]:+.0f}]" if ends else "")
    return f"{(difference < 0).sum()}/{len(both)}", told, p


def of_models(count: int, n: int) -> str:
    """How many of the models that pass the gate, with the upper end of Wilson's interval in percent."""
    return f"{count} of {n} (at most {100 * wilson(count, n)[1]:.0f} %)" if n else "-"


def rows(dataset: str, models: pd.DataFrame) -> list[list[str]]:
    """A line per unlearner of one data set."""
    line = models.loc[LINE]
    names = list(dict.fromkeys(models.index.get_level_values("unlearner")))
    shared = [name for name in names if name != LINE and set(models.loc[name].index) & set(line.index)]
    held = {name: against(models.loc[name], line) for name in shared}
    adjusted = dict(zip(held, holm([p for *_, p in held.values()]), strict=True))
    body = []
    for name in names:
        of = models.loc[name]
        passing = of[of["passed"]]
        *less, p = held.get(name, ("", "", 0.0))
        told = [*less, f"{p:.2g}", f"{adjusted[name]:.2g}"] if name in held else [""] * 4
        least = f"{passing['exact'].min():.0f} of {passing['n'].max()}" if len(passing) else "-"
        body.append(
            [
                *(dataset, name, f"{len(passing)}/{len(of)}", f"{of['exact'].sum():.0f}/{of['n'].sum()}"),
                *(f"{100 * of['exact'].sum() / of['n'].sum():.0f}", *told, least),
                *(of_models(int((passing[what] == 0).sum()), len(passing)) for what in ("exact", "first")),
            ]
        )
    return body


def main(paths: list[Path]) -> str:
    """The table of the runs in these folders or CSVs."""
    models = by_model(cases(framed(load_runs(paths))))
    body = [row for dataset, of in models.groupby("dataset", sort=False) for row in rows(dataset, of.droplevel(0))]
    return markdown_lines(HEAD, body)


if __name__ == "__main__":
    print(main([Path(path) for path in sys.argv[1:]]))

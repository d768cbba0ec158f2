"""The paper's Tables V and VI on raw features, over the rate, beside the paper: python docs/published.py CSV [RUNS...]

With folders of runs of sweeps/published.yaml the CSV is written from them, a row a run with its rate; rows of data sets
that are not among the runs stay. The tables come from the CSV alone.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from unlearnleak.papers.label_leakage.cells import COLUMNS, PARAMETER, Place, paper_cells
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.loading import load_runs

TABLES = {1: "V", 3: "VI"}
KEPT = ("dataset", "unlearner", "attack", "screening", "forgotten", "gate", "asr_published", "asr_published_placebo")
KEPT += ("exact_match", "forget_acc", "retain_acc", "key_unlearned", "revision")


def rows(folders: list[Path]) -> pd.DataFrame:
    """A row a run: what it measured, and the rate and steps that it measured with."""
    found = []
    for run in load_runs(folders):
        attack = OmegaConf.load(Path(run["directory"]) / ".hydra" / "config.yaml").attack
        told = {"lr": attack.published_lr, "steps": attack.published_steps, "seed": run["seeds"]["original"]}
        forgotten = " ".join(map(str, run["forgotten"]))
        found.append(
            told | {name: run[name] for name in KEPT} | {"forgotten": forgotten, "classes": len(run["forgotten"])}
        )
    return pd.DataFrame(found).sort_values(["dataset", "unlearner", "forgotten", "attack", "screening", "lr"])


def averages(runs: pd.DataFrame) -> pd.DataFrame:
    """Percent by table, method, rate and unlearner: the mean over data sets of each one's own mean, as in the paper."""
    keys = ["classes", "attack", "screening", "lr", "unlearner"]
    of_each = runs.groupby([*keys, "dataset"])[["asr_published", "asr_published_placebo"]].mean()
    return 100 * of_each.groupby(keys).mean()


def printed(classes: int, unlearner: str, attack: str, screening: str) -> str:
    """The paper's cell, as it prints it."""
    return paper_cells()[Place(TABLES[classes], "all", unlearner, attack, screening, "asr")]


def beside_the_paper(runs: pd.DataFrame) -> str:
    """A line for each table, method and rate: ours of each unlearner; then the paper's."""
    body, means = [], averages(runs)
    for classes, table in TABLES.items():
        for attack, screening in PARAMETER:
            at = means.loc[classes, attack, screening]
            for lr in sorted(set(at.index.get_level_values("lr"))):
                ours, placebo = at.loc[lr]["asr_published"], at.loc[lr]["asr_published_placebo"].mean()
                told = [f"{ours[unlearner]:.1f}" for unlearner in COLUMNS]
                body.append(
                    [table, f"{attack} / {screening}", f"{lr:g}", *told, f"{ours.mean():.1f}", f"{placebo:.1f}"]
                )
            cells = [printed(classes, unlearner, attack, screening) for unlearner in (*COLUMNS, "overall")]
            body.append([table, f"{attack} / {screening}", "paper", *cells, ""])
    return markdown_lines(["table", "attack / screening", "rate", *COLUMNS, "all", "placebo"], body)


def each_data_set(runs: pd.DataFrame) -> str:
    """A line for each table, method and data set: the mean over unlearners at each rate, and the models."""
    rates, body = sorted(set(runs["lr"])), []
    for classes, table in TABLES.items():
        for attack, screening in PARAMETER:
            of = runs[(runs.classes == classes) & (runs.attack == attack) & (runs.screening == screening)]
            for dataset, members in of.groupby("dataset", sort=True):
                means = 100 * members.groupby("lr")["asr_published"].mean()
                models = str(members["key_unlearned"].nunique())
                body.append(
                    [table, f"{attack} / {screening}", dataset, models, *(f"{means[rate]:.1f}" for rate in rates)]
                )
    return markdown_lines(["table", "attack / screening", "data set", "models", *(f"{rate:g}" for rate in rates)], body)


def distances(runs: pd.DataFrame) -> str:
    """A line for each rate: how far the 30 averages are from the paper's."""
    means, body = averages(runs)["asr_published"], []
    for lr in sorted(set(runs["lr"])):
        off = np.array(
            [
                means[classes, *method, lr, unlearner] - float(printed(classes, unlearner, *method))
                for classes in TABLES
                for method in PARAMETER
                for unlearner in COLUMNS
            ]
        )
        body.append([f"{lr:g}", f"{np.sqrt((off**2).mean()):.1f}", f"{off.mean():+.1f}", f"{np.abs(off).max():.1f}"])
    return markdown_lines(["rate", "root mean square", "mean", "largest"], body)


def main() -> None:
    """Read the command line."""
    csv, *folders = map(Path, sys.argv[1:])
    if folders:
        new = rows(folders)
        old = pd.read_csv(csv) if csv.exists() else new.iloc[:0]
        kept = old[~old["dataset"].isin(set(new["dataset"]))]
        pd.concat([kept, new]).to_csv(csv, index=False)
    runs = pd.read_csv(csv)
    for show in (beside_the_paper, each_data_set, distances):
        print(show(runs), end="\n\n")


if __name__ == "__main__":
    main()

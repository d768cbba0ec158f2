"""Write what a search of recipes found, a row a model: python docs/searched.py CSV RUNS...

The settings are those of the command line and of the sweep's cases, as "lr=0.003 epochs=2"; the rest is the recipe's
or the yaml's.
"""

import sys
from pathlib import Path

import pandas as pd
from omegaconf import OmegaConf

from unlearnleak.runs.loading import load_runs

KEPT = ("dataset", "model", "unlearner", "forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc")
KEPT += ("gate", "key_unlearned", "revision")
OF_UNLEARNER = "unlearner."


def settings(words: list[str]) -> str:
    """What of the unlearner's settings a run's overrides say, in their order."""
    told = [word.removeprefix(OF_UNLEARNER) for word in words if word.startswith(OF_UNLEARNER)]
    return " ".join(told) or "as they stand"


def rows(folders: list[Path]) -> pd.DataFrame:
    """A row a model."""
    found = []
    for run in load_runs(folders):
        words = list(OmegaConf.load(Path(run["directory"]) / ".hydra" / "overrides.yaml"))
        own = {"forgotten": " ".join(map(str, run["forgotten"])), "settings": settings(words)}
        found.append({name: run[name] for name in KEPT} | own | {"seed": run["seeds"]["original"]})
    order = ["dataset", "model", "unlearner", "settings", "seed", "forgotten"]
    return (
        pd.DataFrame(found)
        .drop_duplicates("key_unlearned")
        .sort_values(order)[[*order, *(name for name in KEPT if name not in order)]]
    )


if __name__ == "__main__":
    csv, *folders = map(Path, sys.argv[1:])
    rows(folders).round(4).to_csv(csv, index=False)

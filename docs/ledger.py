"""Is it AU's ledger that forgets? The table of au beside its placebos: python docs/ledger.py CSV [RUNS...]

With folders of runs of `unlearner=au` and `unlearner=au_placebo` the CSV is written from them, a row a model. The table
comes from the CSV alone.
"""

import sys
from pathlib import Path

import pandas as pd
from omegaconf import OmegaConf

from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.loading import load_runs

LEDGERS = {"own": "own ledger", "random": "random direction", "others": "another class's", "none": "nothing"}
KEPT = ("dataset", "model", "forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "gate")
KEPT += ("key_original", "key_unlearned", "revision")
SETTING = ["dataset", "model", "share", "lr"]


def rows(folders: list[Path]) -> pd.DataFrame:
    """A row a model: what was subtracted, how it was repaired, and what is left of the class."""
    found = []
    for run in load_runs(folders):
        unlearner = OmegaConf.load(Path(run["directory"]) / ".hydra" / "config.yaml").unlearner
        report = run["unlearner_report"]
        found.append(
            {name: run[name] for name in KEPT}
            | {
                "seed": run["seeds"]["original"],
                "forgotten": " ".join(map(str, run["forgotten"])),
                "ledger": unlearner.get("ledger", "own"),
                "share": unlearner.share,
                "lr": unlearner.lr,
                "repair_epochs": report["repair_epochs"],
                "forget_acc_train_subtracted": report["forget_acc_train_subtracted"],
                "retain_acc_train_subtracted": report["retain_acc_train_subtracted"],
            }
        )
    return pd.DataFrame(found).drop_duplicates("key_unlearned").sort_values([*SETTING, "ledger", "seed", "forgotten"])


def spread(values: pd.Series) -> str:
    """A mean in percent, and the lowest and highest of several."""
    mean, low, high = (f"{100 * value:.0f}" for value in (values.mean(), values.min(), values.max()))
    return mean if low == high else f"{mean} ({low} to {high})"


def stretches(seeds: pd.Series) -> pd.Series:
    """Of each original's seed the stretch of seeds that it is in, as "250 to 252": those of one sweep."""
    there = sorted(set(seeds))
    begins = [seed for seed in there if seed - 1 not in there]
    ends = [seed for seed in there if seed + 1 not in there]
    said = {
        seed: str(first) if first == last else f"{first} to {last}"
        for first, last in zip(begins, ends, strict=True)
        for seed in range(first, last + 1)
    }
    return seeds.map(said)


def table(runs: pd.DataFrame) -> str:
    """A line per data set, setting and stretch of seeds: what is left of the class after each ledger, and of others."""
    body = []
    runs = runs.assign(seeds=runs.groupby(SETTING)["seed"].transform(stretches))
    for (dataset, model, share, lr, seeds), of in runs.groupby([*SETTING, "seeds"], sort=False):
        left = [of.loc[of["ledger"] == ledger, "forget_acc"] for ledger in LEDGERS]
        own = of[of["ledger"] == "own"]
        kept = [own["forget_acc_train_subtracted"], own["retain_acc_train_subtracted"], own["retain_acc"]]
        body.append(
            [
                *(dataset, model, f"{100 * share:g} %", f"{lr:g}", seeds, str(len(own))),
                *(spread(each) if len(each) else "-" for each in [*left, *kept, own["original_retain_acc"]]),
            ]
        )
    head = ["data set", "model", "share", "repair at", "seed", "n", *LEDGERS.values()]
    return markdown_lines([*head, "own, unrepaired", "others, unrepaired", "others", "others, original"], body)


def main(words: list[Path]) -> str:
    """Write the CSV where folders of runs are given; the table."""
    csv, *folders = words
    if folders:
        rows(folders).to_csv(csv, index=False)
    return table(pd.read_csv(csv))


if __name__ == "__main__":
    print(main([Path(word) for word in sys.argv[1:]]))

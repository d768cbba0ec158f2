"""The paper's Tables V and VI on raw features, at several rates, beside the paper: python docs/published.py CSV [RUNS]

With a folder of runs of sweeps/published.yaml the CSV is written from it, a row a run with its rate. The tables come
from the CSV alone.
"""

import sys
from pathlib import Path

import pandas as pd
from omegaconf import OmegaConf

from unlearnleak.papers.label_leakage.cells import COLUMNS, PARAMETER, Place, paper_cells
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.loading import load_runs

TABLES = {1: "V", 3: "VI"}
KEPT = ("dataset", "unlearner", "attack", "screening", "forgotten", "gate", "asr_published", "asr_published_placebo")
KEPT += ("exact_match", "forget_acc", "retain_acc", "key_unlearned", "revision")


def rows(folder: Path) -> pd.DataFrame:
    """A row a run: what it measured, and the rate and steps that it measured with."""
    found = []
    for run in load_runs([folder]):
        attack = OmegaConf.load(Path(run["directory"]) / ".hydra" / "config.yaml").attack
        told = {"lr": attack.published_lr, "steps": attack.published_steps, "seed": run["seeds"]["original"]}
        forgotten = " ".join(map(str, run["forgotten"]))
        found.append(
            told | {name: run[name] for name in KEPT} | {"forgotten": forgotten, "classes": len(run["forgotten"])}
        )
    return pd.DataFrame(found).sort_values(["dataset", "unlearner", "forgotten", "attack", "screening", "lr"])


def beside_the_paper(runs: pd.DataFrame) -> str:
    """A line for each table, method and rate: the mean over targets of each unlearner, ours; then the paper's."""
    body = []
    for classes, table in TABLES.items():
        for attack, screening in PARAMETER:
            of = runs[(runs.classes == classes) & (runs.attack == attack) & (runs.screening == screening)]
            for lr, members in of.groupby("lr"):
                mean = 100 * members.groupby("unlearner")["asr_published"].mean()
                placebo = f"{100 * members['asr_published_placebo'].mean():.1f}"
                ours = [f"{mean[unlearner]:.1f}" for unlearner in COLUMNS]
                body.append([table, f"{attack} / {screening}", f"{lr:g}", *ours, f"{mean.mean():.1f}", placebo])
            printed = [
                paper_cells()[Place(table, "all", unlearner, attack, screening, "asr")]
                for unlearner in (*COLUMNS, "overall")
            ]
            body.append([table, f"{attack} / {screening}", "paper", *printed, ""])
    return markdown_lines(["table", "attack / screening", "rate", *COLUMNS, "all", "placebo"], body)


def main() -> None:
    """Read the command line."""
    csv, *folder = map(Path, sys.argv[1:])
    if folder:
        rows(folder[0]).to_csv(csv, index=False)
    print(beside_the_paper(pd.read_csv(csv)))


if __name__ == "__main__":
    main()

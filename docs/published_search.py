"""At which rate and after how many steps do the paper's Tables V and VI come back?

python -m docs.published_search CSV [RUNS...]: with folders of runs of sweeps/search_published.yaml their rows go into
the CSV, one a model and setting; rows of data sets that are not among the runs stay. The table is of the CSV alone:
how far the averages are from the paper's printed ones, over the cells that were run.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from docs.published import TABLES, printed
from unlearnleak.papers.label_leakage.cells import COLUMNS
from unlearnleak.report.tables.markdown import markdown_lines
from unlearnleak.runs.loading import load_runs

METHODS = {"youden": ("param_dot", "youden"), "kmeans": ("param_dot", "kmeans")}
METHODS |= {"tree": ("param_diff", "decision_tree")}
"""A column each, and what it is."""
KEYS = ["dataset", "seed", "unlearner", "forgotten", "classes", "lr", "steps"]
SETS: dict[str, tuple[str, ...]] = {
    "MNIST and Fashion-MNIST": ("mnist", "fashion_mnist"),
    "SVHN (grey)": ("svhn",),
    "CIFAR-10": ("cifar10",),
}
SETS |= {"all four": tuple(name for names in SETS.values() for name in names)}


def rows(folders: list[Path]) -> pd.DataFrame:
    """A row a model and setting: the accuracy of each method, and the dot product's placebo."""
    found: dict[tuple[object, ...], dict[str, float]] = {}
    names = {method: name for name, method in METHODS.items()}
    for run in load_runs(folders):
        config = OmegaConf.load(Path(run["directory"]) / ".hydra" / "config.yaml")
        classes, forgotten = len(run["forgotten"]), " ".join(map(str, run["forgotten"]))
        asked = config.forget_classes if isinstance(config.forget_classes, str) else forgotten
        key = (run["dataset"], run["seeds"]["original"], run["unlearner"], asked, classes)
        row = found.setdefault((*key, config.attack.published_lr, config.attack.published_steps), {})
        name = names[run["attack"], run["screening"]]
        row[name] = run["asr_published"]
        if name == "youden":
            row["placebo_dot"] = run["asr_published_placebo"]
    columns = [*KEYS, *METHODS, "placebo_dot"]
    return pd.DataFrame([dict(zip(KEYS, key, strict=True)) | row for key, row in found.items()])[columns]


def distances(models: pd.DataFrame) -> str:
    """A line for each rate and number of steps: root mean square and mean distance in points, and of how many cells."""
    body = []
    for (lr, steps), at in models.groupby(["lr", "steps"]):
        line = [f"{lr:g} x {steps}"]
        for names in SETS.values():
            of = at[at["dataset"].isin(names)]
            if set(of["dataset"]) != set(names):
                line.append("")
                continue
            off = np.array([100 * ours - paper for ours, paper in cells(of)])
            line.append(f"{np.sqrt((off**2).mean()):.1f} ({off.mean():+.1f}, {len(off)})")
        if any(line[1:]):
            body.append(line)
    return markdown_lines(["rate x steps", *SETS], body)


def cells(models: pd.DataFrame) -> list[tuple[float, float]]:
    """Ours and the paper's, of each table, method and unlearner that was run: means over data sets of their means."""
    pairs = []
    for classes in TABLES:
        for name, method in METHODS.items():
            for unlearner in COLUMNS:
                of = models[(models["classes"] == classes) & (models["unlearner"] == unlearner)]
                if len(of):
                    ours = of.groupby("dataset")[name].mean().mean()
                    pairs.append((ours, float(printed(classes, unlearner, *method))))
    return pairs


def main() -> None:
    """Read the command line."""
    csv, *folders = map(Path, sys.argv[1:])
    if folders:
        new, old = rows(folders), pd.read_csv(csv)
        kept = old[~old["dataset"].isin(set(new["dataset"]))]
        pd.concat([kept, new]).sort_values(KEYS, key=lambda of: of.astype(str)).to_csv(csv, index=False)
    print(distances(pd.read_csv(csv)))


if __name__ == "__main__":
    main()

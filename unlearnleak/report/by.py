"""Finished runs by the values of some of their settings: what a search for a recipe is read from."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from unlearnleak.errors import UserError
from unlearnleak.report.table import UNLEARNERS, Run, distinct, forgotten_count, gates, mean, place
from unlearnleak.report.terminal import Column, Sheet

ABSENT = "-"
MEASURED = ("n", "forget", "worst", "retain", "orig.", "gate", "seconds")
LEGEND = (
    "n: models. forget, retain: mean test accuracy of the unlearned model, in %. worst: the highest forget accuracy of "
    "any. orig.: the original's accuracy on the retained classes. gate: models that count as unlearned. seconds: mean "
    "time that the unlearning took (for the control, the original training)."
)


def setting(config: Any, key: str) -> str:
    """The value at `key`, such as `training.lr`, of a run's configuration; a dash where it has none."""
    value = OmegaConf.select(config, key, default=None)
    return ABSENT if value is None else str(value)


def by(runs: list[Run], keys: list[str]) -> list[list[str]]:
    """Rows: data set, unlearner, number of forgotten classes, a value for each key, then MEASURED.

    Every model counts once, however many attacks were run against it.

    Raises:
        UserError: no run has a setting of one of the names, or a run's configuration is not there.
    """
    groups: dict[tuple[str, ...], dict[str, Run]] = defaultdict(dict)
    for run in distinct(runs):
        path = Path(run["directory"]) / ".hydra" / "config.yaml"
        if not path.is_file():
            raise UserError(f"--by reads settings from {path}, which is not there. Name folders of runs, not CSVs.")
        config = OmegaConf.load(path)
        words = (run["dataset"], run["unlearner"], forgotten_count(run), *(setting(config, key) for key in keys))
        groups[words].setdefault(run["key_unlearned"], run)
    for index, key in enumerate(keys):
        if groups and all(words[3 + index] == ABSENT for words in groups):
            raise UserError(f"No run has a setting {key}. Name settings as on the command line, such as training.lr.")

    def rank(words: tuple[str, ...]) -> tuple[Any, ...]:
        numbers = [(0, float(word), "") if _is_number(word) else (1, 0.0, word) for word in words[3:]]
        return (words[0], *place(words[1], UNLEARNERS), int(words[2]), *numbers)

    return [[*words, *_measured(list(groups[words].values()))] for words in sorted(groups, key=rank)]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _measured(runs: list[Run]) -> list[str]:
    """The cells of MEASURED for runs with the same settings."""
    control = all(run["gate"] == "control" for run in runs)
    stage = "original" if control else "unlearned"
    worst = max((run["forget_acc"] for run in runs if run["forget_acc"] is not None), default=None)
    return [
        str(len(runs)),
        mean(runs, "forget_acc"),
        ABSENT if worst is None else f"{100 * worst:.1f}",
        mean(runs, "retain_acc"),
        mean(runs, "original_retain_acc"),
        ABSENT if control else gates(runs),
        f"{sum(run[f'seconds_{stage}'] for run in runs) / len(runs):.0f}",
    ]


def header(keys: list[str]) -> list[str]:
    """The names of the columns of `by`."""
    return ["data set", "unlearner", "classes", *(key.rpartition(".")[2] for key in keys), *MEASURED]


def sheets(runs: list[Run], keys: list[str]) -> list[Sheet]:
    """For the terminal: a table per data set and unlearner, without the settings that the unlearner does not have."""
    sections: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for dataset, unlearner, *cells in by(runs, keys):
        sections[dataset, unlearner].append(cells)
    names = header(keys)[2:]
    found = []
    for (dataset, unlearner), rows in sections.items():
        there = [i for i in range(len(names)) if any(row[i] != ABSENT for row in rows)]
        columns = [Column(names[i], words=i <= len(keys)) for i in there]
        found.append(
            Sheet(title=f"{dataset}: {unlearner}", columns=columns, rows=[[row[i] for i in there] for row in rows])
        )
    return found

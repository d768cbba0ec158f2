"""Finished runs by the values of some of their settings: what a search for a recipe is read from."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import Run, distinct, forgotten_count, method
from unlearnleak.analysis.groups import rank as rank_method
from unlearnleak.errors import UserError
from unlearnleak.report.tables.leaks import gates, mean
from unlearnleak.report.tables.terminal import Column, Sheet
from unlearnleak.runs.recorded import plain_yaml, setting
from unlearnleak.runs.stages import attacked_model, seconds

ABSENT = "-"
MEASURED = ("n", "forget", "worst", "retain", "orig.", "gate", "seconds")
LEGEND = (
    "n: models. forget, retain: mean test accuracy of the unlearned model, in %. worst: the highest forget accuracy of "
    "any. orig.: the original's accuracy on the retained classes. gate: models that count as unlearned. seconds: mean "
    "time that the unlearning took (for the control, the original training)."
)


def configuration(run: Run) -> Any:
    """The configuration that Hydra wrote beside a run.

    Raises:
        UserError: it cannot be read.
    """
    path = Path(run["directory"]) / ".hydra" / "config.yaml"
    try:
        return plain_yaml(path)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"--by cannot read settings from {path}: {why}. Name folders of runs, not CSVs.") from error


def by(runs: list[Run], keys: list[str]) -> list[list[str]]:
    """Rows: data set, unlearner, number of forgotten classes, a value for each key, then MEASURED.

    Every model counts once, however many attacks were run against it.

    Raises:
        UserError: no run has a setting of one of the names, or a run's configuration cannot be read.
    """
    groups: dict[tuple[str, ...], dict[str, Run]] = defaultdict(dict)
    for run in distinct(runs):
        config = configuration(run)
        values = [setting(config, key) for key in keys]
        shown = (ABSENT if value is None else str(value) for value in values)
        words = (run["dataset"], method(run), forgotten_count(run), *shown)
        groups[words].setdefault(attacked_model(run) or str(run["directory"]), run)
    for index, key in enumerate(keys):
        if groups and all(words[3 + index] == ABSENT for words in groups):
            raise UserError(f"No run has a setting {key}. Name settings as on the command line, such as training.lr.")

    def rank(words: tuple[str, ...]) -> tuple[Any, ...]:
        numbers = [(0, float(word), "") if _is_number(word) else (1, 0.0, word) for word in words[3:]]
        return (words[0], *rank_method(words[1]), int(words[2]), *numbers)

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
    worst = max((run["forget_acc"] for run in runs if run.get("forget_acc") is not None), default=None)
    spent = [took for run in runs if (took := seconds(run, stage)) is not None]
    return [
        str(len(runs)),
        mean(runs, "forget_acc"),
        ABSENT if worst is None else f"{100 * worst:.1f}",
        mean(runs, "retain_acc"),
        mean(runs, "original_retain_acc"),
        ABSENT if control else gates(runs),
        f"{sum(spent) / len(spent):.0f}" if spent else ABSENT,
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

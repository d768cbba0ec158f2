"""Finished runs by the values of some of their settings: what a search for a recipe is read from."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped, unused-ignore]

from unlearnleak.analysis.groups import distinct
from unlearnleak.analysis.groups import rank as rank_method
from unlearnleak.analysis.numbers import percent
from unlearnleak.errors import UserError
from unlearnleak.report.tables.leaks import gates, mean
from unlearnleak.report.tables.terminal import Column, Sheet
from unlearnleak.runs.recorded import plain_yaml, setting
from unlearnleak.runs.strengths import as_number

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

ABSENT = "-"
FIRST = ("data set", "unlearner", "classes")
MEASURED = ("n", "forget", "worst", "retain", "orig.", "gate", "seconds")
LEGEND = (
    "n: models. forget, retain: mean test accuracy of the unlearned model, in %. worst: the highest forget accuracy of "
    "any. orig.: the original's accuracy on the retained classes. gate: models that count as unlearned. seconds: mean "
    "time that the unlearning took (for the control, the original training)."
)


def configuration(directory: str) -> Any:
    """The configuration that Hydra wrote beside a run.

    Raises:
        UserError: it cannot be read.
    """
    path = Path(directory) / ".hydra" / "config.yaml"
    try:
        return plain_yaml(path)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"--by cannot read settings from {path}: {why}. Name folders of runs, not CSVs.") from error


def by(runs: "pd.DataFrame", keys: list[str]) -> "pd.DataFrame":
    """Rows: data set, unlearner, number of forgotten classes, a value for each key, then MEASURED.

    Every model counts once, however many attacks were run against it.

    Raises:
        UserError: no run has a setting of one of the names, one is a group, or a configuration cannot be read.
    """
    import pandas as pd  # noqa: PLC0415

    done = distinct(runs)
    configs = done["directory"].map(configuration)
    values = {key: [setting(config, key) for config in configs] for key in keys}
    if unknown := [key for key, of in values.items() if of and all(value is None for value in of)]:
        raise UserError(
            f"No run has a setting {unknown[0]}. Name settings as on the command line, such as training.lr."
        )
    if groups := [key for key, of in values.items() if any(isinstance(value, dict) for value in of)]:
        raise UserError(
            f"{groups[0]} is a group of settings. Name one of its settings, such as training.lr; the data set, the "
            "unlearner and the number of classes have columns anyway."
        )
    shown = [
        pd.Series([ABSENT if value is None else str(value) for value in of], done.index, dtype="string", name=key)
        for key, of in values.items()
    ]
    words = [done["dataset"], done["method"], done["count"].astype(str), *shown]
    once = ~pd.concat([*words, done["attacked"]], axis=1).duplicated()
    lines = [
        (*values, *measured(members))
        for values, members in done[once].groupby([word[once] for word in words], sort=False)
    ]
    lines.sort(
        key=lambda line: (line[0], *rank_method(line[1]), int(line[2]), *map(as_number, line[3 : -len(MEASURED)]))
    )
    return pd.DataFrame(lines, columns=header(keys))


def measured(runs: "pd.DataFrame") -> list[str]:
    """The cells of MEASURED for runs with the same settings."""
    control = bool((runs["gate"] == "control").all())
    took = f"seconds_{'original' if control else 'unlearned'}"
    spent = runs[took].dropna() if took in runs else runs["asr"].iloc[:0]
    return [
        str(len(runs)),
        mean(runs, "forget_acc"),
        percent(runs["forget_acc"].max() if runs["forget_acc"].notna().any() else None),
        mean(runs, "retain_acc"),
        mean(runs, "original_retain_acc"),
        ABSENT if control else gates(runs),
        f"{spent.mean():.0f}" if len(spent) else ABSENT,
    ]


def header(keys: list[str]) -> list[str]:
    """The names of the columns of `by`, each another one: of a setting its last word, if no other column has it."""
    words = Counter([*FIRST, *(key.rpartition(".")[2] for key in dict.fromkeys(keys)), *MEASURED])
    last = {key: key.rpartition(".")[2] for key in keys}
    return [*FIRST, *(word if words[word] == 1 else key for key, word in last.items()), *MEASURED]


def sheets(runs: "pd.DataFrame", keys: list[str]) -> list[Sheet]:
    """For the terminal: a table per data set and unlearner, without the settings that the unlearner does not have."""
    found = []
    for (dataset, unlearner), rows in by(runs, keys).groupby(["data set", "unlearner"], sort=False):
        there = [i for i in range(2, rows.shape[1]) if (rows.iloc[:, i] != ABSENT).any()]
        columns = [Column(str(rows.columns[i]), words=i <= 2 + len(keys)) for i in there]
        found.append(Sheet(title=f"{dataset}: {unlearner}", columns=columns, rows=rows.iloc[:, there].values.tolist()))
    return found

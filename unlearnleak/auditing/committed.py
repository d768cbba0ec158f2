"""How often attacks raised an alarm on this project's own controls: models that forgot nothing (docs/results/*.csv).

`controls.json` is made of these tables by `python docs/controls.py`, since they do not travel with the package.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "controls.json"
Counts = dict[str, dict[str, list[int]]]
"""Alarms and controls by "attack/screening" and data set."""


class Controls(NamedTuple):
    """Controls of all data sets together: on how many an alarm was raised, and of which sets they are."""

    alarms: int
    n: int
    datasets: tuple[str, ...]


NONE = Controls(0, 0, ())


def condensed(tables: Mapping[str, Iterable[Mapping[str, str]]]) -> Counts:
    """What `controls.json` holds, of the rows of tables of runs by their name.

    A control is a row whose unlearner is `none`; its alarm is a verdict that names any class.
    """
    found: Counts = {}
    for dataset, rows in tables.items():
        for row in rows:
            if row.get("unlearner") != "none" or row.get("defense", "none") not in ("none", ""):
                continue
            counts = found.setdefault(f"{row['attack']}/{row['screening']}", {}).setdefault(dataset, [0, 0])
            counts[0] += row["verdict"] != ""
            counts[1] += 1
    return {name: dict(sorted(each.items())) for name, each in sorted(found.items())}


@cache
def counts() -> Counts:
    """What the package's file holds."""
    held: Counts = json.loads(FILE.read_text(encoding="utf-8"))
    return held


def controls(attack: str, screening: str) -> Controls:
    """All committed controls of an attack and a screening; of none where there are none."""
    of = counts().get(f"{attack}/{screening}", {})
    return Controls(sum(each[0] for each in of.values()), sum(each[1] for each in of.values()), tuple(of))

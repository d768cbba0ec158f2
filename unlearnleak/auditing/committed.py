"""How often attacks raised an alarm on this project's own controls: models that forgot nothing (docs/results/*.csv).

`controls.json` is made of these tables by `python docs/controls.py`, since they do not travel with the package. To an
attack that sees the model before too, a control is a pair: a model, and the same one after a change that took nothing
out of it. The very same model twice is none: every such attack is silent on it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "controls.json"
Row = Mapping[str, str]
Counts = dict[str, dict[str, list[int]]]
"""Alarms and controls by "attack/screening" and data set; of pairs by "attack/screening/kept" and ".../lost"."""
CHANGES = {"finetune": "fine-tuned", "prune": "pruned", "weight_noise": "with noise on its weights"}
"""Defences that change a model of which nothing was forgotten; all others leave it, or change answers alone."""
LITTLE = 0.01
"""A pair whose accuracy fell by no more has kept it: on others such attacks see what the change itself destroyed."""
KEPT, LOST = "kept", "lost"


class Controls(NamedTuple):
    """Controls of all data sets together: on how many an alarm was raised, and of which sets they are."""

    alarms: int
    n: int
    datasets: tuple[str, ...]


NONE = Controls(0, 0, ())


def condensed(tables: Mapping[str, Iterable[Row]], repeating: Mapping[str, Iterable[Row]] | None = None) -> Counts:
    """What `controls.json` holds, of the rows of tables of runs by their name.

    A control is a row whose unlearner is `none`; its alarm is a verdict that names any class. Tables that are
    `repeating` have controls of others again: of them is taken what the others lack.
    """
    found: Counts = {}
    seen: set[tuple[str, str]] = set()
    for dataset, rows in tables.items():
        add(found, dataset, controls_in(rows, seen))
    counted = {name for name in found if not name.endswith((f"/{KEPT}", f"/{LOST}"))}
    for dataset, rows in (repeating or {}).items():
        add(found, dataset, ((name, alarm) for name, alarm in controls_in(rows, seen) if name not in counted))
    return {name: dict(sorted(each.items())) for name, each in sorted(found.items())}


def add(found: Counts, dataset: str, rows: Iterable[tuple[str, bool]]) -> None:
    """Count the controls of a table."""
    for name, alarm in rows:
        counts = found.setdefault(name, {}).setdefault(dataset, [0, 0])
        counts[0] += alarm
        counts[1] += 1


def controls_in(rows: Iterable[Row], seen: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """The name and the alarm of each control; of pairs those that were not `seen`, in any table."""
    for row in rows:
        defense, name = row.get("defense") or "none", f"{row.get('attack')}/{row.get('screening')}"
        if row.get("unlearner") != "none" or "verdict" not in row or row.get("held"):
            continue  # no control; nothing was judged; or an attacker held less than an audit asks for
        if row.get("sees_original", "nothing") in ("nothing", ""):
            if defense == "none":
                yield name, row["verdict"] != ""
        elif defense in CHANGES and (name, row["key_defended"]) not in seen:
            seen.add((name, row["key_defended"]))
            lost = float(row["original_retain_acc"]) - float(row["retain_acc"]) > LITTLE
            yield f"{name}/{LOST if lost else KEPT}", row["verdict"] != ""


@cache
def counts() -> Counts:
    """What the package's file holds."""
    held: Counts = json.loads(FILE.read_text(encoding="utf-8"))
    return held


def controls(attack: str, screening: str) -> Controls:
    """All committed controls of an attack and a screening; of none where there are none."""
    return together(f"{attack}/{screening}")


def pairs(attack: str, screening: str, lost: float | None) -> Controls:
    """The pairs that are like a model which `lost` so much accuracy; all of them where that is not known."""
    kinds = (KEPT, LOST) if lost is None else (LOST if lost > LITTLE else KEPT,)
    return together(*(f"{attack}/{screening}/{kind}" for kind in kinds))


def together(*names: str) -> Controls:
    """The controls under several names as one."""
    parts = [(dataset, each) for name in names for dataset, each in counts().get(name, {}).items()]
    datasets = tuple(dict.fromkeys(dataset for dataset, _ in parts))
    return Controls(sum(each[0] for _, each in parts), sum(each[1] for _, each in parts), datasets)

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
"""Alarms and controls by "attack/screening" and table; of pairs by "attack/screening/kept" and ".../lost", of models
that learnt something badly by "attack/screening/noisy_labels" and so on (KINDS).
"""
CHANGES = {"finetune": "fine-tuned", "prune": "pruned", "weight_noise": "with noise on its weights"}
"""Defences that change a model of which nothing was forgotten; all others leave it, or change answers alone."""
LITTLE = 0.01
"""A pair whose accuracy fell by no more has kept it: on others such attacks see what the change itself destroyed."""
KEPT, LOST = "kept", "lost"
KINDS = {
    "noisy_labels": "30 % wrong labels in one class",
    "rare_class": "a tenth of one class's samples",
    "fewer_samples": "nine tenths of all samples",
    "undertrained": "a fifth of the epochs",
    "refit": "all data once more",
}
"""Unlearners that forget nothing, and what their models learnt (`sweeps/controls.yaml`). They are no `controls`, which
learnt all classes well: an alarm on one of them is no mistake about noise, but about what the attack reads.
"""


class Controls(NamedTuple):
    """Controls of all data sets together: on how many an alarm was raised, and of which sets they are."""

    alarms: int
    n: int
    datasets: tuple[str, ...]


NONE = Controls(0, 0, ())


def condensed(tables: Mapping[str, Iterable[Row]]) -> Counts:
    """What `controls.json` holds, of the rows of tables of runs by their name.

    A control is a row whose unlearner is `none` or one of KINDS; its alarm is a verdict that names any class. A model
    that stands in several tables, under the same key, counts once.
    """
    found: Counts = {}
    seen: set[tuple[str, str]] = set()
    for table, rows in tables.items():
        for name, alarm in controls_in(rows, seen):
            counts = found.setdefault(name, {}).setdefault(table, [0, 0])
            counts[0] += alarm
            counts[1] += 1
    return {name: dict(sorted(each.items())) for name, each in sorted(found.items())}


def controls_in(rows: Iterable[Row], seen: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """The name and the alarm of each control, or pair, that was not `seen`, in any table."""
    for row in rows:
        defense, name = row.get("defense") or "none", f"{row.get('attack')}/{row.get('screening')}"
        kind, pair = row.get("unlearner"), row.get("sees_original", "nothing") not in ("nothing", "")
        otherwise = row.get("held") or row.get("auxiliary_per_class")  # than in an audit
        if not (kind == "none" or kind in KINDS) or "verdict" not in row or otherwise:
            continue
        if (kind != "none" or defense not in CHANGES) if pair else defense != "none":
            continue  # the very same model twice; or answers that no control gave
        key = (name, row.get("key_defended" if pair else "key_unlearned", ""))
        if key in seen:
            continue
        if key[1]:
            seen.add(key)
        if pair:
            lost = float(row["original_retain_acc"]) - float(row["retain_acc"]) > LITTLE
            name = f"{name}/{LOST if lost else KEPT}"
        yield name if kind == "none" else f"{name}/{kind}", row["verdict"] != ""


@cache
def counts() -> Counts:
    """What the package's file holds."""
    held: Counts = json.loads(FILE.read_text(encoding="utf-8"))
    return held


def controls(attack: str, screening: str) -> Controls:
    """All committed controls of an attack and a screening; of none where there are none."""
    return together(f"{attack}/{screening}")


def kinds(attack: str, screening: str) -> dict[str, Controls]:
    """The committed models that forgot nothing and learnt something badly, by their kind."""
    found = {kind: together(f"{attack}/{screening}/{kind}") for kind in KINDS}
    return {kind: each for kind, each in found.items() if each.n}


def pairs(attack: str, screening: str, lost: float | None) -> Controls:
    """The pairs that are like a model which `lost` so much accuracy; all of them where that is not known."""
    ends = (KEPT, LOST) if lost is None else (LOST if lost > LITTLE else KEPT,)
    return together(*(f"{attack}/{screening}/{end}" for end in ends))


def together(*names: str) -> Controls:
    """The controls under several names as one."""
    parts = [(dataset, each) for name in names for dataset, each in counts().get(name, {}).items()]
    datasets = tuple(dict.fromkeys(dataset for dataset, _ in parts))
    return Controls(sum(each[0] for _, each in parts), sum(each[1] for _, each in parts), datasets)


def fooled(methods: Iterable[tuple[str, str]]) -> str:
    """What these attacks with their screenings made of models that forgot nothing and learnt something badly.

    One sentence for readers of verdicts; "" where none of them was asked about such models.
    """
    asked = {pair: found for pair in dict.fromkeys(methods) if (found := kinds(*pair))}
    if not asked:
        return ""
    told = [
        f"{attack} / {screening}: {', '.join(f'{one.alarms} of {one.n} ({KINDS[kind]})' for kind, one in loud.items())}"
        for (attack, screening), found in asked.items()
        if (loud := {kind: one for kind, one in found.items() if one.alarms})
    ]
    silent = [f"{a} / {s}" for (a, s), found in asked.items() if not any(one.alarms for one in found.values())]
    datasets = ", ".join(
        dict.fromkeys(name for found in asked.values() for one in found.values() for name in one.datasets)
    )
    parts = [*told, *([f"no alarm: {', '.join(silent)}"] if silent else [])]
    return (
        "Alarms on the project's own models that forgot nothing and learnt something badly (docs/results: "
        f"{datasets}). {'; '.join(parts)}."
    )

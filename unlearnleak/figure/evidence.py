"""What kind of evidence each attack left, as the store tells it: by it, and not by its name, an attack has figures."""

from typing import Any

from unlearnleak.analysis.groups import distinct
from unlearnleak.analysis.names import ATTACKS, place
from unlearnleak.runs.stored import GoneError, Stores

Run = dict[str, Any]
DOT, DIFFERENCE, PREDICTION = "dot_product", "difference", "prediction"
"""The kinds that have figures of their own (`adversary.evidence`)."""
OURS = {
    "param_dot": DOT,
    "param_diff": DIFFERENCE,
    "inversion_gradient": PREDICTION,
    "inversion_genetic": PREDICTION,
}
"""Attacks whose kind is known where no evidence can be read: the figure then says why it is not drawn."""
TRIES = 3
"""Runs of an attack whose evidence is asked for."""


def attacks_of(kind: str, runs: list[Run], stores: Stores) -> list[str]:
    """The attacks of finished runs whose evidence is of this kind, in the reports' order."""
    by_attack: dict[str, list[Run]] = {}
    for run in distinct(runs):
        by_attack.setdefault(run["attack"], []).append(run)
    found = [attack for attack, of in by_attack.items() if kind_of(attack, of, stores) == kind]
    return sorted(found, key=lambda attack: place(attack, ATTACKS))


def kind_of(attack: str, runs: list[Run], stores: Stores) -> str:
    """The kind of an attack's evidence; "" where nothing tells it."""
    if attack in OURS:
        return OURS[attack]
    for run in runs[:TRIES]:
        try:
            return str(stores.meta(run, "evidence").get("kind", ""))
        except GoneError:
            continue
    return ""

"""What kind of evidence each attack left, as the store tells it: by it, and not by its name, an attack has figures."""

from typing import TYPE_CHECKING

from unlearnleak.analysis.groups import distinct
from unlearnleak.analysis.names import ATTACKS, place
from unlearnleak.runs.stored import GoneError, Stores

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

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


def attacks_of(kind: str, runs: "pd.DataFrame", stores: Stores) -> list[str]:
    """The attacks of finished runs whose evidence is of this kind, in the reports' order."""
    by_attack = distinct(runs).groupby("attack")
    found = [str(attack) for attack, of in by_attack if kind_of(str(attack), of, stores) == kind]
    return sorted(found, key=lambda attack: place(attack, ATTACKS))


def kind_of(attack: str, runs: "pd.DataFrame", stores: Stores) -> str:
    """The kind of an attack's evidence; "" where nothing tells it."""
    if attack in OURS:
        return OURS[attack]
    for _, run in runs[:TRIES].iterrows():
        try:
            return str(stores.meta(run, "evidence").get("kind", ""))
        except GoneError:
            continue
    return ""

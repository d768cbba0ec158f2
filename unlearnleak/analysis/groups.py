"""Finished runs that differ in nothing but seeds and classes, out of the frame of all runs (`runs.frame.framed`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from unlearnleak.analysis.names import ATTACKS, UNLEARNERS, place
from unlearnleak.runs.strengths import by_numbers

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Words = tuple[str, ...]
WORDS = ["dataset", "attack", "screening", "label", "count"]
"""What runs of one group have in common; `label` is the method, followed by its settings' digest where these differ."""
FEW = 5
"""Below so many runs a share is given as a count alone: its interval would say nothing."""


def rank(label: str) -> tuple[Any, ...]:
    """Sort key of a method, also with a digest behind it: by unlearner, then as it is, numbers by their size."""
    return (*place(label.partition(" ")[0], UNLEARNERS), by_numbers(label))


def distinct(runs: "pd.DataFrame") -> "pd.DataFrame":
    """Finished runs, each job once however many sweeps it is part of."""
    return runs[runs["status"] == "done"].drop_duplicates("job")


def models(runs: "pd.DataFrame") -> "pd.DataFrame":
    """One run per unlearned model: many attacks look at the same one; a control once, as for `controls_once`."""
    done = distinct(runs)
    named = done["named"].where(done["gate"] != "control", "")
    return done[~done.assign(named=named).duplicated(["attacked", "named", "gate"])]


def controls_once(runs: "pd.DataFrame") -> "pd.DataFrame":
    """The runs with a verdict on a control once, whatever classes it was asked to forget.

    It forgot none of them: the model and what an attack sees of it are the same for all.
    """
    same = ["attacked", "attack", "screening", "settings", *(name for name in ("seeds.attack", "held") if name in runs)]
    return runs[~((runs["gate"] == "control") & runs.duplicated([*same, "gate"]))]


def cases(runs: "pd.DataFrame", measured: str | None = "exact_match") -> "pd.DataFrame":
    """Distinct runs that judge classes, in the paper's order, with the columns WORDS.

    Those that agree in them differ in nothing but seeds and classes. `measured` names another number that a run has to
    have, or none.
    """
    done = controls_once(distinct(runs))
    done = done if measured is None else done.dropna(subset=[measured])
    orders = {"attack": ATTACKS, "unlearner": UNLEARNERS}
    places = {
        name: done[name].map(lambda word, known=known: "{:03} {}".format(*place(word, known)))
        for name, known in orders.items()
    }
    by = ["dataset", "attack", "screening", "unlearner", "count", "method", "settings"]
    methods = {method: number for number, method in enumerate(sorted(done["method"].unique(), key=by_numbers))}
    places["method"] = done["method"].map(methods)
    done = done.loc[done.assign(**places).sort_values(by, kind="stable").index]
    several = done.groupby(["dataset", "attack", "screening", "method", "count"])["settings"].transform("nunique") > 1
    return done.assign(label=done["method"].where(~several, done["method"] + " " + done["settings"]))


def group(runs: "pd.DataFrame", measured: str | None = "exact_match") -> "Iterator[tuple[Words, pd.DataFrame]]":
    """Each group's words, and its runs; `measured` as for `cases`."""
    for words, members in cases(runs, measured).groupby(WORDS, sort=False):
        yield tuple(map(str, words)), members

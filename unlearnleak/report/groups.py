"""Finished runs that differ in nothing but seeds and classes."""

from collections import defaultdict
from typing import Any

from unlearnleak.report.names import ATTACKS, UNLEARNERS, place
from unlearnleak.runs.loading import job_of

Run = dict[str, Any]
Group = tuple[str, str, str, str, str]
FEW = 5
"""Below so many runs a share is given as a count alone: its interval would say nothing."""


def forgotten_count(run: Run) -> str:
    """How many classes were forgotten: the control has none, whatever its config names."""
    return "0" if run["gate"] == "control" else str(len(run["forgotten"]))


def group(runs: list[Run]) -> dict[Group, list[Run]]:
    """Finished runs by (data set, attack, screening, unlearner, number of forgotten classes), in the paper's order.

    Only runs that differ in nothing but seeds and classes are averaged: where settings (or the model, or the images)
    differ too, the unlearner's word gets their digest. The same job in two sweeps counts once.
    """
    found: dict[Group, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in distinct(runs):
        words = (run["dataset"], run["attack"], run["screening"], run["unlearner"], forgotten_count(run))
        found[words][run.get("settings", "")].append(run)
    groups: dict[Group, list[Run]] = {}
    for (dataset, attack, screening, unlearner, count), variants in found.items():
        for settings, members in variants.items():
            word = f"{unlearner} {settings}" if len(variants) > 1 else unlearner
            groups[dataset, attack, screening, word, count] = members

    def rank(words: Group) -> tuple[Any, ...]:
        dataset, attack, screening, unlearner, count = words
        word, _, settings = unlearner.partition(" ")
        return (dataset, *place(attack, ATTACKS), screening, *place(word, UNLEARNERS), int(count), settings)

    return {words: groups[words] for words in sorted(groups, key=rank)}


def distinct(runs: list[Run]) -> list[Run]:
    """Finished runs, each job once however many sweeps it is part of."""
    jobs: dict[Any, Run] = {}
    for run in runs:
        if run["status"] == "done":
            jobs.setdefault(job_of(run) or id(run), run)
    return list(jobs.values())

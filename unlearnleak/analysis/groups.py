"""Finished runs that differ in nothing but seeds and classes."""

from collections import defaultdict
from typing import Any

from unlearnleak.analysis.names import ATTACKS, UNLEARNERS, place
from unlearnleak.runs.loading import job_of
from unlearnleak.runs.stages import attacked_model

Run = dict[str, Any]
Group = tuple[str, str, str, str, str]
NO_DEFENSE = "none"
"""The word of a run without a defence; older results have none."""
MODEL = (
    *("dataset", "model", "unlearner", "defense", "settings", "seeds"),
    *("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc"),
)
"""What runs on one model have in common, where no key names it."""
FEW = 5
"""Below so many runs a share is given as a count alone: its interval would say nothing."""


def forgotten_count(run: Run) -> str:
    """How many classes were forgotten: the control has none, whatever its config names."""
    return "0" if run["gate"] == "control" else str(len(run["forgotten"]))


def method(run: Run) -> str:
    """What was done to the model, in words: the unlearner, what it was to forget where that is not whole classes, and
    the defence where there is one; such as "ft", "rt (20 %)", "rt (4 samples)", "ft + weight_noise".
    """
    control = run.get("gate") == "control"  # a run without a result has none
    share = run.get("forget_share")
    if share is not None and share < 1 and not control:
        forgot = f" ({100 * share:g} %)"
    else:
        forgot = f" ({samples(run)})" if run.get("forget_level") == "sample" and not control else ""
    defense = run.get("defense") or NO_DEFENSE
    return f"{run['unlearner']}{forgot}{'' if defense == NO_DEFENSE else f' + {defense}'}"


def samples(run: Run) -> str:
    """How many samples a run forgot, in words; older results do not say."""
    count = run.get("forget_samples")
    return "samples" if count is None else "1 sample" if count == 1 else f"{count} samples"


def rank(label: str) -> tuple[Any, ...]:
    """Sort key of what `method` says, also with a digest behind it: by unlearner, then as it is."""
    return (*place(label.partition(" ")[0], UNLEARNERS), label)


def variants(runs: list[Run]) -> dict[Group, dict[str, list[Run]]]:
    """Finished runs by (data set, attack, screening, method, number of forgotten classes), in the paper's order, and
    then by the digest of their settings.

    Only runs that differ in nothing but seeds and classes are together. The same job in two sweeps counts once.
    """
    found: dict[Group, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in distinct(runs):
        words = (run["dataset"], run["attack"], run["screening"], method(run), forgotten_count(run))
        found[words][run.get("settings") or ""].append(run)

    def order(words: Group) -> tuple[Any, ...]:
        dataset, attack, screening, label, count = words
        word = label.partition(" ")[0]
        return (dataset, *place(attack, ATTACKS), screening, *place(word, UNLEARNERS), int(count), label)

    return {words: found[words] for words in sorted(found, key=order)}


def group(runs: list[Run]) -> dict[Group, list[Run]]:
    """As `variants`; where settings (or the model, or the images) differ, their digest follows the method."""
    return {
        (*words[:3], f"{words[3]} {settings}" if len(of) > 1 else words[3], words[4]): of[settings]
        for words, of in variants(runs).items()
        for settings in sorted(of)
    }


def distinct(runs: list[Run]) -> list[Run]:
    """Finished runs, each job once however many sweeps it is part of."""
    jobs: dict[Any, Run] = {}
    for run in runs:
        if run["status"] == "done":
            jobs.setdefault(job_of(run) or id(run), run)
    return list(jobs.values())


def models(runs: list[Run]) -> list[Run]:
    """One run per unlearned model: many attacks look at the same one. The control counts per set of named classes.

    Where no key names the model, runs of the same words, seeds and accuracies have looked at the same one.
    """
    found: dict[Any, Run] = {}
    for run in distinct(runs):
        named = tuple(run.get("forget_classes") or run["forgotten"])
        words = repr([run.get(key) for key in MODEL])
        found.setdefault((attacked_model(run) or words, named, run["gate"]), run)
    return list(found.values())

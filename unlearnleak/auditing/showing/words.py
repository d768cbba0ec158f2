"""What all forms of an answer say alike: its head line, and each attack's figures in words."""

from collections.abc import Iterator
from typing import NamedTuple

from unlearnleak.analysis.committed import KINDS
from unlearnleak.auditing.result import Answer, Attacked, Rate, Status, Understood

HEADLINES: dict[Status, str] = {
    "silent": "Silent: no attack that can be trusted names a class.",
    "leak": "Leak: the model gives away what it forgot.",
    "not judged": "Not judged: no attack that could be run can be trusted here.",
}
MOST = 12
"""Classes that are listed, before "and more"."""


SHORT = {
    "noisy_labels": "noisy",
    "rare_class": "rare",
    "fewer_samples": "fewer",
    "undertrained": "brief",
    "refit": "again",
}
"""Columns of `committed.KINDS`."""


def share(rate: Rate | None) -> str:
    """A share such as "0/20"; "-" where it was not measured."""
    return "-" if rate is None else f"{rate.count}/{rate.n}"


def percent(value: float | None, digits: int = 1) -> str:
    """An accuracy in per cent; "-" where there is none."""
    return "-" if value is None else f"{100 * value:.{digits}f}"


def classes(named: tuple[int, ...]) -> str:
    """Classes with commas; "none" where there are none."""
    shown = ", ".join(map(str, named[:MOST]))
    return "none" if not named else f"{shown} and {len(named) - MOST} more" if len(named) > MOST else shown


def facts(understood: Understood) -> Iterator[tuple[str, str]]:
    """What was understood, line by line."""
    u = understood
    yield "model", f"{u.model}: {u.kind}"
    yield "classes", str(u.num_classes)
    if u.image_shape:
        yield "input", f"{'x'.join(map(str, u.image_shape))} (channels x height x width)"
    yield "head", u.head or "not known: attacks that read the last layer are left out"
    if u.mean is not None and u.std is not None:
        yield "normalisation", f"mean {numbers(u.mean)}, std {numbers(u.std)} ({u.normalisation})"
    if u.original:
        known = "" if u.original_accuracy is None else f", accuracy {percent(u.original_accuracy)} %"
        yield "model before", u.original + known
    if u.images_per_class:
        low, high = min(u.images_per_class), max(u.images_per_class)
        yield "images", f"{u.images}, {low if low == high else f'{low} to {high}'} of each class"
    else:
        yield "images", "none" if not u.images else str(u.images)
    if u.accuracy is not None and u.accuracy_per_class is not None:
        least, at = min((value, c) for c, value in enumerate(u.accuracy_per_class) if value is not None)
        yield "accuracy", f"{percent(u.accuracy)} %; the lowest is that of class {at}: {percent(least)} %"


def numbers(values: tuple[float, ...]) -> str:
    """Numbers per channel, rounded for people."""
    return ", ".join(f"{value:.4g}" for value in values)


def evaluation(one: Attacked) -> str:
    """How a verdict stands to the truth, in a word; "-" where the attack gave none."""
    return "-" if one.evaluation is None else f"{one.evaluation.outcome}, ASR {percent(one.evaluation.asr, 0)} %"


class Kinds(NamedTuple):
    """Alarms on the project's models that forgot nothing, by what these learnt: a row of cells for each attack."""

    columns: list[str]
    rows: list[tuple[str, list[str]]]
    legend: str


def kinds(result: Answer) -> Kinds | None:
    """Of the attacks that ran; None where nothing was measured."""
    ran = [one for one in result.attacks if one.state == "ran" and one.calibration.kinds]
    told = [kind for kind in KINDS if any(kind in one.calibration.kinds for one in ran)]
    rows = [
        (one.name, [share(one.calibration.controls), *(share(one.calibration.kinds.get(kind)) for kind in told)])
        for one in sorted(ran, key=lambda one: not one.counts)
    ]
    legend = "; ".join(f"{SHORT[kind]}: {KINDS[kind]}" for kind in told)
    return Kinds(["well", *(SHORT[kind] for kind in told)], rows, f"well: all of it; {legend}.") if rows else None


def unable(result: Answer) -> dict[str, list[str]]:
    """Attacks that did not run, by the reason."""
    found: dict[str, list[str]] = {}
    for one in result.attacks:
        if one.state != "ran" and one.why:
            names = found.setdefault(one.why, [])
            if one.attack not in names:
                names.append(one.attack)
    return found


def changes(result: Answer) -> dict[str, list[str]]:
    """Settings that are not those of conf/attack, with the attacks that they are of."""
    found: dict[str, list[str]] = {}
    for one in result.attacks:
        for change in one.changed:
            names = found.setdefault(change, [])
            if one.attack not in names:
                names.append(one.attack)
    return found


def notes(result: Answer) -> dict[str, list[str]]:
    """How attacks were measured on copies, or why not, with the attacks."""
    found: dict[str, list[str]] = {}
    for one in result.attacks:
        if one.state == "ran" and one.calibration.note:
            names = found.setdefault(one.calibration.note, [])
            if one.attack not in names:
                names.append(one.attack)
    return found

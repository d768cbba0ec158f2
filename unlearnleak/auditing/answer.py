"""From what every attack said to one answer: which attacks count, what they name, and how far to trust it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from unlearnleak.auditing.committed import controls
from unlearnleak.auditing.result import Attacked, Calibration, Evaluation, Rate, Status, Understood
from unlearnleak.auditing.running import Outcome
from unlearnleak.metric.interval import wilson
from unlearnleak.metric.verdict import asr, asr_constant

OWN = 0.05
"""An attack that raises an alarm on a larger share of the model's own copies that forgot nothing does not count."""
COMMITTED = 0.1
"""The same of the project's committed controls: few."""
FOUND = 0.5
"""An attack that finds less of what copies lack does not count: its silence says nothing."""
FEWEST = 5
"""Images of each class below which an attack that was measured on no copy of this model does not count."""
MOST_NAMED = 12


def rate(count: int, n: int) -> Rate:
    """A share with its interval; bounds are rounded, so that no last bit of a library shows."""
    low, high = wilson(count, n)
    return Rate(count=count, n=n, interval=(round(low, 4), round(high, 4)))


def calibration(outcome: Outcome) -> Calibration:
    """How often the attack was wrong on the model's own copies and on the committed controls."""
    one, told = outcome.attacked, outcome.told
    known = controls(one.attack, one.screening or "")
    return Calibration(
        false_alarms=None if told is None else rate(int(told.alarms.sum()), len(told.alarms)),
        found=None if told is None else rate(int(told.found.sum()), len(told.found)),
        controls=rate(known.alarms, known.n) if known.n else None,
        datasets=known.datasets,
        note=outcome.note,
    )


def judged(outcome: Outcome, understood: Understood, least: int) -> Attacked:
    """The attack with its calibration, and whether it counts."""
    one = outcome.attacked
    if one.state != "ran":
        return one
    measured = calibration(outcome)
    why = distrusted(one, measured, understood, least)
    return replace(one, calibration=measured, counts=why is None, reason=why)


def distrusted(one: Attacked, measured: Calibration, understood: Understood, least: int) -> str | None:
    """Why an attack does not count; None where it does."""
    alarms, found, committed = measured.false_alarms, measured.found, measured.controls
    with_data = "auxiliary data" in one.threat
    doubts = (
        with_data and understood.plausible is False and "the model does not know the images given, or not so",
        alarms
        and alarms.count > OWN * alarms.n
        and f"it raised an alarm on {alarms.count} of {alarms.n} copies of this model that forgot nothing",
        committed
        and committed.count > COMMITTED * committed.n
        and f"it raised an alarm on {committed.count} of {committed.n} of the project's controls",
        found
        and found.count < FOUND * found.n
        and f"it found what was missing in {found.count} of {found.n} copies of this model: its silence says nothing",
        alarms is None and committed is None and "how often it raises a false alarm was measured nowhere",
        with_data
        and alarms is None
        and least < FEWEST
        and f"a class has too few images, {least}, and copies of this model could not be asked",
    )
    return next((why for why in doubts if why), None)


def evaluated(one: Attacked, truth: Sequence[int], num_classes: int) -> Attacked:
    """The attack with its verdict held against the truth, where it gave one."""
    if one.state != "ran":
        return one
    verdict_K, truth_K = (np.isin(np.arange(num_classes), list(classes)) for classes in (one.named, truth))
    missed = tuple(sorted(set(truth) - set(one.named)))
    wrong = tuple(sorted(set(one.named) - set(truth)))
    return replace(
        one,
        evaluation=Evaluation(
            outcome="wrong" if wrong else "missed" if missed else "exact",
            missed=missed,
            wrong=wrong,
            asr=asr(verdict_K, truth_K),
            asr_constant=asr_constant(truth_K),
        ),
    )


def together(outcomes: Sequence[Outcome], attacks: Sequence[Attacked]) -> Rate | None:
    """On how many copies that forgot nothing any attack that counts raised an alarm, of those that all were asked."""
    alarms = [
        outcome.told.alarms
        for outcome, one in zip(outcomes, attacks, strict=True)
        if one.counts and outcome.told is not None
    ]
    if not alarms:
        return None
    n = min(map(len, alarms))
    return rate(int(torch.stack([each[:n] for each in alarms]).any(0).sum()), n)


def names_of(attacks: Sequence[Attacked]) -> dict[int, tuple[str, ...]]:
    """Each class that an attack that counts names, and which do."""
    found: dict[int, list[str]] = {}
    for one in attacks:
        for c in one.named if one.counts else ():
            found.setdefault(c, []).append(one.name)
    return {c: tuple(found[c]) for c in sorted(found)}


def status_of(attacks: Sequence[Attacked]) -> Status:
    """The answer in a word."""
    counted = [one for one in attacks if one.counts]
    if not counted:
        return "not judged"
    if any(one.named for one in counted):
        return "leak"
    return "not judged" if unjudged(counted) else "silent"


def unjudged(counted: Sequence[Attacked]) -> list[int]:
    """Classes that none of these attacks gave a score: the one that was forgotten may be among them."""
    scores = [one.scores for one in counted if one.scores is not None]
    return [c for c, of in enumerate(zip(*scores, strict=True)) if all(score is None for score in of)]


def called(c: int, names: tuple[str, ...] | None) -> str:
    """A class for people, such as "class 3 (cat)"."""
    return f"class {c} ({names[c]})" if names else f"class {c}"


def sentences(
    status: Status, attacks: Sequence[Attacked], understood: Understood, named: dict[int, tuple[str, ...]]
) -> tuple[str, ...]:
    """What was found, in words; the first sentence is the answer."""
    names, counted = understood.class_names, [one for one in attacks if one.counts]
    said = []
    if status == "leak":
        for c, by in list(named.items())[:MOST_NAMED]:
            said.append(f"{called(c, names).capitalize()} is missing: named by {listed(by)}.")
        if len(named) > MOST_NAMED:
            said.append(f"So are {len(named) - MOST_NAMED} more classes.")
        silent = [one.name for one in counted if not one.named]
        if silent:
            said.append(f"Nothing was named by {listed(silent)}, which would count as well.")
    elif status == "silent":
        said.append(f"No attack that counts names a class: {listed([one.name for one in counted])}.")
    elif blind := unjudged(counted):
        shown = ", ".join(map(str, blind[:MOST_NAMED])) + (" and more" if len(blind) > MOST_NAMED else "")
        said.append(
            f"No attack that counts names a class, and none could judge {shown}, of which there are no images: what "
            "was forgotten may be just that."
        )
    else:
        said.append("Whether a class is missing cannot be said: no attack that could be run can be trusted here.")
    if understood.not_judged_classes:
        shown = ", ".join(map(str, understood.not_judged_classes[:MOST_NAMED]))
        more = " and more" if len(understood.not_judged_classes) > MOST_NAMED else ""
        said.append(f"Attacks with data could not judge classes without images: {shown}{more}.")
    others = [one for one in attacks if one.state == "ran" and not one.counts and one.named]
    if others:
        said.append(
            f"{len(others)} other{'s' if len(others) > 1 else ''} named something, which does not count: "
            f"{listed([one.name for one in others])}."
        )
    return tuple(said)


def trust(
    attacks: Sequence[Attacked], understood: Understood, any_alarm: Rate | None, least: int | None
) -> tuple[str, ...]:
    """How far the answer may be trusted, in sentences."""
    said = []
    if any_alarm is not None:
        low, high = any_alarm.interval
        said.append(
            f"On {any_alarm.count} of {any_alarm.n} copies of this model that forgot nothing, any of the attacks that "
            f"count named something (95 %: {100 * low:.0f} to {100 * high:.0f} %)."
        )
    measured = [one.calibration.found for one in attacks if one.counts and one.calibration.found]
    if measured:
        best = max(measured, key=lambda each: each.count / each.n)
        said.append(
            f"The best of them found the missing class, and no other, in {best.count} of {best.n} copies that never "
            "saw one. Copies have the features of this model and heads that the audit trained: a class that was "
            "unlearned gently may read less clearly."
        )
    elif any(one.counts for one in attacks):
        said.append("How much the attacks find in this model could not be measured on copies of it.")
    if least is not None and least < 20:
        said.append(f"The smallest class has {least} image{'s' if least != 1 else ''}: a hundred tell more.")
    rates = {c: rate for c, rate in enumerate(understood.accuracy_per_class or ()) if rate is not None}
    known = [c for c in names_of(attacks) if 3 * rates.get(c, 0) > 1]
    if known:
        told = listed([f"{c} ({100 * rates[c]:.0f} %)" for c in known])
        said.append(
            f"Named, and yet known to the model: class {told}. A class that never was learnt is not; it may be hard, "
            "or unlearned in part."
        )
    weak = [c for c in little_known(understood) if c not in names_of(attacks)]
    if weak and understood.plausible is not False and any(one.counts for one in attacks):
        told = listed([f"{c} ({100 * rates[c]:.0f} %)" for c in weak])
        said.append(
            f"Known much less than the others, and named by no attack that counts: class {told}. It may be hard, or "
            "unlearned in part."
        )
    if understood.plausible is False:
        said.append("The model's accuracy on the images given is implausible: see what was understood.")
    said.append("Silence is no proof: another attacker, or one who knows more, may find what these did not.")
    return tuple(said)


def little_known(understood: Understood) -> list[int]:
    """Classes of whose images the model knows at most two thirds of what it knows of a typical class's.

    Typical is the median of the better half, which forgotten classes are not in.
    """
    known = {c: rate for c, rate in enumerate(understood.accuracy_per_class or ()) if rate is not None}
    best = sorted(known.values(), reverse=True)[: max(1, len(known) // 2)]
    return [c for c, rate in known.items() if 3 * rate <= 2 * best[len(best) // 2]] if best else []


def listed(words: Sequence[str]) -> str:
    """Words with commas."""
    return ", ".join(words)

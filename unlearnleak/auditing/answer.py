"""From what every attack said to one answer: which attacks count, and what they name."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

import unlearnleak
from unlearnleak.analysis.committed import CHANGES, LITTLE, controls, kinds, pairs
from unlearnleak.auditing.case import Case
from unlearnleak.auditing.result import Attacked, Calibration, Evaluation, Rate, Status, Understood
from unlearnleak.auditing.running import Outcome
from unlearnleak.auditing.saying import names_of, sentences, trust, unjudged
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.metric.interval import wilson
from unlearnleak.metric.verdict import asr, asr_constant

OWN = 0.05
"""An attack that raises an alarm on a larger share of the model's own copies that forgot nothing does not count."""
COMMITTED = 0.1
"""The same of the project's committed controls: few."""
FOUND = 0.5
"""An attack that finds less of what copies lack does not count: its silence says nothing."""
BEFORE = "sees the model before"
"""What the threat model of an attack says that is handed both models."""
FEWEST = 5
"""Images of each class below which an attack that was measured on no copy of this model does not count."""


def rate(count: int, n: int) -> Rate:
    """A share with its interval; bounds are rounded, so that no last bit of a library shows."""
    low, high = wilson(count, n)
    return Rate(count=count, n=n, interval=(round(low, 4), round(high, 4)))


def calibration(outcome: Outcome, understood: Understood) -> Calibration:
    """How often the attack was wrong on the model's own copies and on the committed controls.

    Those of an attack that sees the model before too are pairs whose accuracy fell as that of the audited model did.
    """
    one, told = outcome.attacked, outcome.told
    screening, paired = one.screening or "", BEFORE in one.threat
    fall = lost(one, understood) if paired else None
    known = pairs(one.attack, screening, fall) if paired else controls(one.attack, screening)
    return Calibration(
        false_alarms=None if told is None else rate(int(told.alarms.sum()), len(told.alarms)),
        found=None if told is None or not len(told.found) else rate(int(told.found.sum()), len(told.found)),
        controls=rate(known.alarms, known.n) if known.n else None,
        datasets=known.datasets,
        kinds={kind: rate(of.alarms, of.n) for kind, of in kinds(one.attack, screening).items()},
        note=outcome.note if not (paired and known.n) else f"{outcome.note}; controls are {pairs_told(fall)}",
    )


def lost(one: Attacked, understood: Understood) -> float | None:
    """How much accuracy the model lost on images of the classes that the attack does not name; None if not known."""
    counts, now, before = (
        understood.images_per_class,
        understood.accuracy_per_class,
        understood.original_accuracy_per_class,
    )
    if counts is None or now is None or before is None or understood.plausible is False:
        return None
    others = [c for c, count in enumerate(counts) if count and c not in one.named]
    images = sum(counts[c] for c in others)
    return sum(counts[c] * ((before[c] or 0) - (now[c] or 0)) for c in others) / images if others else None


def pairs_told(fall: float | None) -> str:
    """Which pairs are the controls of an attack that sees both models."""
    percent = f"{100 * LITTLE:.0f} %"
    which = {
        None: "whatever accuracy that cost",
        True: f"which lost more than {percent} of accuracy, as this model did",
        False: f"which lost no more than {percent} of accuracy, as this model",
    }[None if fall is None else fall > LITTLE]
    return f"models before and after: the same one {', '.join(CHANGES.values())}, {which}"


def judged(outcome: Outcome, understood: Understood, least: int) -> Attacked:
    """The attack with its calibration, and whether it counts."""
    one = outcome.attacked
    if one.state != "ran":
        return one
    measured = calibration(outcome, understood)
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


def status_of(attacks: Sequence[Attacked]) -> Status:
    """The answer in a word."""
    counted = [one for one in attacks if one.counts]
    if not counted:
        return "not judged"
    if any(one.named for one in counted):
        return "leak"
    return "not judged" if unjudged(counted) else "silent"


def result_of(
    case: Case,
    understood: Understood,
    outcomes: Sequence[Outcome],
    truth: tuple[int, ...] | None,
    settings: Settings,
) -> AuditResult:
    """The answer."""
    least = case.with_data.least
    attacks = [judged(outcome, understood, least) for outcome in outcomes]
    return answered(outcomes, attacks, understood, truth, settings, least if understood.images else None)


def answered(
    outcomes: Sequence[Outcome],
    attacks: list[Attacked],
    understood: Understood,
    truth: tuple[int, ...] | None,
    settings: Settings,
    least: int | None,
) -> AuditResult:
    """The answer from attacks of which it is known whether they count; `least`: images of the smallest class."""
    if truth is not None:
        attacks = [evaluated(one, truth, understood.num_classes) for one in attacks]
    any_alarm, named, status = together(outcomes, attacks), names_of(attacks), status_of(attacks)
    return AuditResult(
        status=status,
        classes=tuple(named),
        named_by=named,
        answer=sentences(status, attacks, understood, named),
        trust=trust(attacks, understood, any_alarm, least),
        any_false_alarm=any_alarm,
        understood=understood,
        attacks=tuple(attacks),
        truth=truth,
        seed=settings.seed,
        quick=settings.quick,
        effort=settings.effort,
        unlearnleak=unlearnleak.__version__,
        digests=dict(settings.digests),
        asked=settings.asked,
    )

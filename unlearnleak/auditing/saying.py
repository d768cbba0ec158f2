"""The answer in sentences: what was found, and how far to trust it."""

from collections.abc import Sequence

from unlearnleak.analysis.committed import KINDS
from unlearnleak.auditing.result import Attacked, Rate, Status, Understood

MOST_NAMED = 12
LOW = 0.5
"""Where a typical class is known less than this, a warning says so."""
MISTAKEN = 0.05
"""An attack that names a class of more than this share of models of a kind takes that kind for unlearning."""
FEW_WEAK = 5
"""Where more than one class of so many is little known, a warning says so."""
LOOK = (
    "Images of another source, another normalisation or labels in another order look like this, and what is named may "
    "be their doing"
)
NOT_SHOWN = "which were not among the classes that attacks with images were shown"


def names_of(attacks: Sequence[Attacked]) -> dict[int, tuple[str, ...]]:
    """Each class that an attack that counts names, and which do."""
    found: dict[int, list[str]] = {}
    for one in attacks:
        for c in one.named if one.counts else ():
            found.setdefault(c, []).append(one.name)
    return {c: tuple(found[c]) for c in sorted(found)}


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
    said = doubtful_images(understood)
    if status == "leak":
        for c, by in sorted(named.items(), key=lambda item: -len(item[1]))[:MOST_NAMED]:
            said.append(f"{called(c, names).capitalize()} is missing: named by {listed(by)}.")
        if len(named) > MOST_NAMED:
            said.append(f"So are {len(named) - MOST_NAMED} more classes.")
        silent = [one.name for one in counted if not one.named]
        if silent:
            said.append(f"Nothing was named by {listed(silent)}, which would count as well.")
    elif status == "silent":
        said.append(f"No attack that counts names a class: {listed([one.name for one in counted])}.")
    elif blind := unjudged(counted):
        unseen = understood.shown_classes is not None and not set(blind) <= set(understood.not_judged_classes)
        said.append(
            f"No attack that counts names a class, and none could judge {some(blind)}, "
            f"{NOT_SHOWN if unseen else 'of which there are no images'}: what was forgotten may be just that."
        )
    else:
        said.append("Whether a class is missing cannot be said: no attack that could be run can be trusted here.")
    if understood.not_judged_classes:
        said.append(f"Attacks with data could not judge classes without images: {some(understood.not_judged_classes)}.")
    if understood.shown_classes is not None:
        said.append(
            f"Attacks with images were shown {len(understood.shown_classes)} of {understood.num_classes} classes: "
            "those that the model knows least, and as many others drawn at random. Its answers were judged for all "
            "(aux_confidence, aux_margin)."
        )
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
            + (f" Copies know {len(shown)} of the classes." if (shown := understood.shown_classes) else "")
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
    named = names_of(attacks)
    known = [c for c in named if 3 * rates.get(c, 0) > 1]
    if known:
        told = listed([f"{c} ({100 * rates[c]:.0f} %)" for c in known])
        said.append(
            f"Named, and yet known to the model: class {told}. A class that never was learnt is not; it may be hard, "
            "or unlearned in part."
        )
    before = {c: rate for c, rate in enumerate(understood.original_accuracy_per_class or ()) if rate is not None}
    never = [c for c in named if 3 * before.get(c, 1) < 1]
    if never:
        told = listed([f"{c} ({100 * before[c]:.0f} %)" for c in never])
        said.append(
            f"Named, and hardly known to the model before either: class {told}. With these images that is no sign of "
            "unlearning."
        )
    said += read_alike(attacks)
    weak = [c for c in little_known(understood) if c not in named]
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


def read_alike(attacks: Sequence[Attacked]) -> list[str]:
    """What else than unlearning looks to the attacks that name a class like what they named, one sentence a kind."""
    said = []
    for kind, learnt in KINDS.items():
        asked = [(one, one.calibration.kinds[kind]) for one in attacks if one.counts and kind in one.calibration.kinds]
        alarmed = [(one, rate) for one, rate in asked if one.named and rate.count > MISTAKEN * rate.n]
        if not alarmed:
            continue
        told = listed([f"{one.attack} {rate.count} of {rate.n}" for one, rate in alarmed])
        sure = [f"{one.attack} {rate.count} of {rate.n}" for one, rate in asked if not rate.count]
        said.append(
            f"A model that forgot nothing and learnt {learnt} can look like this. Of the project's own such models "
            f"these gave an alarm: {told}{f'; {listed(list(dict.fromkeys(sure)))}' if sure else ''}."
        )
    return said


def little_known(understood: Understood) -> list[int]:
    """Classes of whose images the model knows at most two thirds of what it knows of a typical class's.

    Typical is the median of the better half, which forgotten classes are not in.
    """
    known = {c: rate for c, rate in enumerate(understood.accuracy_per_class or ()) if rate is not None}
    best = sorted(known.values(), reverse=True)[: max(1, len(known) // 2)]
    return [c for c, rate in known.items() if 3 * rate <= 2 * best[len(best) // 2]] if best else []


def doubtful_images(understood: Understood) -> list[str]:
    """A warning where the model knows so many classes so little that the images are likelier the reason."""
    rates = {c: rate for c, rate in enumerate(understood.accuracy_per_class or ()) if rate is not None}
    if understood.plausible is False or not rates:
        return []  # said already, and nothing counts
    weak, better = little_known(understood), sorted(rates.values(), reverse=True)[: max(1, len(rates) // 2)]
    typical = better[len(better) // 2]
    if typical < LOW:
        return [f"Beware: a typical class is known at {100 * typical:.0f} % only. {LOOK}."]
    if len(weak) <= max(1, len(rates) // FEW_WEAK):
        return []
    told = listed([f"{c} ({100 * rates[c]:.0f} %)" for c in weak[:MOST_NAMED]])
    more = " and more" if len(weak) > MOST_NAMED else ""
    return [
        f"Beware: {len(weak)} of {len(rates)} classes are known much less than the others: {told}{more}. That may be "
        f"what was forgotten; but {LOOK[0].lower()}{LOOK[1:]}."
    ]


def some(classes: Sequence[int]) -> str:
    """Classes with commas; the first of many."""
    return ", ".join(map(str, classes[:MOST_NAMED])) + (" and more" if len(classes) > MOST_NAMED else "")


def listed(words: Sequence[str]) -> str:
    """Words with commas."""
    return ", ".join(words)

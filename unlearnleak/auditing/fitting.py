"""How the settings of conf/attack are brought to what there is: few images, many classes, an expensive model.

Work is counted in floating-point operations, never in seconds: the same audit does the same on every machine.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from unlearnleak.adversary.shadow import FEWEST

Settings = dict[str, Any]
LIMIT = 6e12
"""Operations that one attack may take on CPUs: about half a minute on two cores for a small ResNet."""
MATRIX = 1
"""What large matrix products may take, in operations of a network's layers."""
ON_GPU = 30
DRAW = 200
"""What drawing a random number costs, in operations of a matrix product."""
LEAST_HEADS, LEAST_STEPS, LEAST_INVERSION = 5, 100, 100
PER_CLASS = (100, 50, 20, 10, 5, 2, 1)
"""Images of a class that attacks by heads take, from the most to the least."""
ENOUGH = 20
"""With fewer images of a class, shadow targets are made fewer and trained shorter before images are left out."""
HELD_BYTES = 1e9
"""Auxiliary heads are kept for all that compare them up to this size."""
RELEARN_BYTES = 2e9
SLOW = ("inversion_shadow", "inversion_gradient", "inversion_genetic", "label_only", "output_change_zoo")
"""What --quick leaves out."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the settings have to suit.

    least: images of the class that has fewest; classes: K that are judged; width: D of the features.
    work: operations of one image's forward pass. limit: operations that an attack may take. effort: as it was told.
    """

    least: int
    classes: int
    width: int
    work: float
    limit: float
    effort: float = 1.0


class Fitted(NamedTuple):
    """Settings, what was changed in them and why, and how many images of a class are taken; None takes all."""

    settings: Settings
    changed: tuple[str, ...] = ()
    per_class: int | None = None


class TooMuch(Exception):
    """An attack that cannot be brought to what there is; the message is the reason."""


def fitted(name: str, settings: Settings, there: Situation) -> Fitted:
    """The settings of an attack, as near to conf/attack as is possible here.

    Raises:
        TooMuch: nothing is near enough.
    """
    fit = FITS.get(name)
    return fit(settings, there) if fit else Fitted(settings)


def heads(settings: Settings, there: Situation) -> Fitted:
    """Attacks by auxiliary heads: subsets that the images allow, fewer heads and shadow targets of many classes."""
    settings = dict(settings)
    changed: list[str] = []
    per_class = shadows(settings, there, changed)
    size = min(settings["subset_size"], there.least, per_class)
    if size < settings["subset_size"]:
        changed.append(f"subset_size {settings['subset_size']} -> {size}: the smallest class has {there.least} images")
        settings["subset_size"] = size
    K, D = there.classes, there.width
    each = settings["steps"] * K * (2 * size**2 + 20 * size) + 4 * K * D * size + 2 * DRAW * K * D
    kept = max(LEAST_HEADS, int(HELD_BYTES / size_of_heads(1, there)))
    again = 3 if size_of_heads(kept, there) > HELD_BYTES else 1  # trained anew for each attack
    most = min(kept, int(MATRIX * there.limit / (K * each * again)))
    if most < LEAST_HEADS:
        raise TooMuch(f"too large: {LEAST_HEADS} heads for each of {K} classes on {D} features")
    if most < settings["heads"]:
        changed.append(f"heads {settings['heads']} -> {most}: {K} classes on {D} features")
        settings["heads"] = most
    return Fitted(settings, tuple(changed), per_class)


def shadows(settings: Settings, there: Situation, changed: list[str]) -> int:
    """Bring the shadow targets to what there is, in place; how many images of a class are taken at most."""
    K, D, budget = there.classes, there.width, MATRIX * there.limit
    usual = (settings["shadows"], settings["shadow_steps"])
    for count, steps, fewest in ((*usual, ENOUGH), (FEWEST, usual[1], ENOUGH), (FEWEST, LEAST_STEPS, 1)):
        for images in (each for each in PER_CLASS if each >= fewest):
            if shadow_work(count, steps, images, there) > budget:
                continue
            if (count, steps) != usual:
                changed.append(f"shadows {usual[0]} -> {count}, shadow_steps {usual[1]} -> {steps}: {K} classes")
                settings["shadows"], settings["shadow_steps"] = count, steps
            if images < min(there.least, max(PER_CLASS)):
                changed.append(f"{images} images of a class are taken: {K} classes")
            return images
    raise TooMuch(f"too large: {FEWEST} shadow targets of {K} classes on {D} features")


def shadow_work(count: int, steps: int, images: int, there: Situation) -> float:
    """Operations of training so many heads on so many images of each class."""
    return 4.0 * count * there.classes * there.width * images * there.classes * steps


def copies_of_each(most: int, steps: int, images: int, there: Situation) -> int:
    """How many copies of each kind can be made, at most; images of each class are what they are trained on."""
    one = 2 * shadow_work(1, steps, images, there)
    return min(most, int(MATRIX * there.limit / one)) if one else most


def relearn(settings: Settings, there: Situation) -> Fitted:
    """One sample more of each class than is learnt from; every shadow target is tuned for every class at once."""
    settings = dict(settings)
    changed: list[str] = []
    if there.least < 2:
        raise TooMuch("too few images: every class needs two, one to learn from and one to measure on")
    per_class = shadows(settings, there, changed)
    K, D = there.classes, there.width
    for count in (settings["shadows"], FEWEST):
        if 4 * 4 * (1 + count) * K * K * D <= RELEARN_BYTES:
            break
    else:
        raise TooMuch(f"too large: it holds a head for each pair of {K} classes, times {FEWEST} shadow targets")
    if count < settings["shadows"]:
        changed.append(f"shadows {settings['shadows']} -> {count}: {K} classes")
        settings["shadows"] = count
    if settings["samples"] >= there.least:
        changed.append(
            f"samples {settings['samples']} -> {there.least - 1}: the smallest class has {there.least} images"
        )
        settings["samples"] = there.least - 1
    return Fitted(settings, tuple(changed), per_class)


def inversion_shadow(settings: Settings, there: Situation) -> Fitted:
    """Inverts each class of every shadow target: fewer of both where that is expensive."""
    settings = dict(settings)
    changed: list[str] = []
    per_class = shadows(settings, there, changed)
    for count, steps in (
        (settings["shadows"], settings["steps"]),
        (FEWEST, settings["steps"]),
        (FEWEST, LEAST_INVERSION),
    ):
        if 3 * there.work * (1 + count) * there.classes * settings["restarts"] * steps <= there.limit:
            break
    else:
        raise TooMuch(expensive(3 * there.work * (1 + FEWEST) * there.classes * LEAST_INVERSION, there))
    if (count, steps) != (settings["shadows"], settings["steps"]):
        changed.append(
            f"shadows {settings['shadows']} -> {count}, steps {settings['steps']} -> {steps}: the model is expensive"
        )
        settings["shadows"], settings["steps"] = count, steps
    return Fitted(settings, tuple(changed), per_class)


def inversion_gradient(settings: Settings, there: Situation) -> Fitted:
    """Fewer restarts, then fewer steps, where a pass through the model is expensive."""
    usual = (settings["restarts"], settings["steps"])
    for restarts, steps in (usual, (2, usual[1]), (1, usual[1]), (1, LEAST_INVERSION)):
        if 3 * there.work * there.classes * restarts * steps <= there.limit:
            return changing(settings, "the model is expensive", restarts=restarts, steps=steps)
    raise TooMuch(expensive(3 * there.work * there.classes * LEAST_INVERSION, there))


def inversion_genetic(settings: Settings, there: Situation) -> Fitted:
    """All of its queries or none: with fewer generations retained classes are not reached either."""
    return affordable(settings, there, there.classes * settings["population"] * settings["generations"])


def noise(settings: Settings, there: Situation) -> Fitted:
    """Fewer noise images."""
    return asked(settings, there, ("images",), 100)


def labels(settings: Settings, there: Situation) -> Fitted:
    """Fewer images, a hundred for each class at least."""
    return asked(settings, there, ("noise", "interpolated"), 100 * there.classes)


def asked(settings: Settings, there: Situation, names: tuple[str, ...], least: int) -> Fitted:
    """As many images as may be asked about; as many of each name."""
    most = int(there.limit / (max(there.work, 1.0) * len(names)))
    least = min(least, *(settings[name] for name in names))
    if most < least:
        raise TooMuch(expensive(there.work * least * len(names), there))
    return changing(settings, "the model is expensive", **{name: min(settings[name], most) for name in names})


def output_change(settings: Settings, there: Situation) -> Fitted:
    """Probes by gradients: fewer of them where a pass through the model is expensive."""
    for probes, used, restarts in (
        (settings["probes"], settings["used"], settings["restarts"]),
        (10, 10, 2),
        (5, 5, 1),
    ):
        if 3 * there.work * there.classes * probes * restarts * settings["steps"] <= 4 * there.limit:
            return changing(settings, "the model is expensive", probes=probes, used=used, restarts=restarts)
    raise TooMuch(expensive(3 * there.work * there.classes * 5 * settings["steps"], there))


def output_change_zoo(settings: Settings, there: Situation) -> Fitted:
    """All of its queries or none: as nothing says how often it is wrong, only where more effort is asked for."""
    queries = there.classes * settings["probes"] * settings["steps"] * 2 * settings["coordinates"]
    if there.effort < 2:
        raise TooMuch(
            f"it asks about {2 * queries} images, more than all others together, and would not count: how often it "
            "raises a false alarm was measured nowhere; effort=2 runs it"
        )
    return affordable(settings, there, queries)


def affordable(settings: Settings, there: Situation, queries: int) -> Fitted:
    """The settings as they are, if so many images may be asked about."""
    if there.work * queries > there.limit:
        raise TooMuch(expensive(there.work * queries, there))
    return Fitted(settings)


def changing(settings: Settings, why: str, **values: int) -> Fitted:
    """The settings with these values, and what was changed."""
    changed = [f"{name} {settings[name]} -> {value}" for name, value in values.items() if value != settings[name]]
    return Fitted(settings | values, (f"{', '.join(changed)}: {why}",) if changed else ())


def expensive(work: float, there: Situation) -> str:
    """Why an attack is left out."""
    return (
        f"too expensive: {work / 1e12:.3g} million million operations at least, {there.limit / 1e12:.3g} are allowed "
        f"here; effort={max(2, round(work / there.limit + 0.5))} allows it"
    )


def size(settings: Settings, there: Situation) -> float:
    """Bytes of all auxiliary heads of an attack; 0 of one that has none."""
    return size_of_heads(settings.get("heads", 0), there)


def size_of_heads(heads: int, there: Situation) -> float:
    """Bytes of so many auxiliary heads for each class."""
    return 4.0 * heads * there.classes**2 * (there.width + 1)


def queries_of(settings: Settings) -> int:
    """How many images an attack asks about; 0 for one that reads the head."""
    return sum(int(settings.get(name, 0)) for name in ("images", "noise", "interpolated"))


def half(there: Situation) -> Situation:
    """The same with half of the images: what copies are attacked with."""
    return replace(there, least=there.least // 2)


FITS: dict[str, Callable[[Settings, Situation], Fitted]] = {
    "param_dot": heads,
    "param_diff": heads,
    "param_confidence": heads,
    "relearn": relearn,
    "inversion_shadow": inversion_shadow,
    "inversion_gradient": inversion_gradient,
    "inversion_genetic": inversion_genetic,
    "noise_prior": noise,
    "label_only": labels,
    "output_change": output_change,
    "output_change_zoo": output_change_zoo,
}

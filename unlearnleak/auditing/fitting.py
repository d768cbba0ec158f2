"""How the settings of conf/attack are brought to what there is: few images, many classes, an expensive model."""

import math
from collections.abc import Callable

from unlearnleak.adversary.shadow import FEWEST
from unlearnleak.auditing.fitting_heads import heads, relearn, shadows
from unlearnleak.auditing.situation import AttackSettings, Fitted, Situation, TooMuch

LEAST_INVERSION = 100
STARTS = 4
"""Times the limit all starts of all probes may take together: most probes need the first alone."""
SLOW = ("inversion_shadow", "inversion_gradient", "inversion_genetic", "label_only", "output_change_zoo")
"""What --quick leaves out."""


def fitted(name: str, settings: AttackSettings, there: Situation) -> Fitted:
    """The settings of an attack, as near to conf/attack as is possible here.

    Raises:
        TooMuch: nothing is near enough.
    """
    fit = FITS.get(name)
    return fit(settings, there) if fit else Fitted(settings)


def inversion_shadow(settings: AttackSettings, there: Situation) -> Fitted:
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


def inversion_gradient(settings: AttackSettings, there: Situation) -> Fitted:
    """Fewer restarts, then fewer steps, where a pass through the model is expensive."""
    usual = (settings["restarts"], settings["steps"])
    for restarts, steps in (usual, (2, usual[1]), (1, usual[1]), (1, LEAST_INVERSION)):
        if 3 * there.work * there.classes * restarts * steps <= there.limit:
            return changing(settings, "the model is expensive", restarts=restarts, steps=steps)
    raise TooMuch(expensive(3 * there.work * there.classes * LEAST_INVERSION, there))


def inversion_genetic(settings: AttackSettings, there: Situation) -> Fitted:
    """All of its queries or none: with fewer generations retained classes are not reached either."""
    return affordable(settings, there, there.classes * settings["population"] * settings["generations"])


def noise(settings: AttackSettings, there: Situation) -> Fitted:
    """Fewer noise images."""
    return asked(settings, there, ("images",), 100)


def labels(settings: AttackSettings, there: Situation) -> Fitted:
    """Fewer images, a hundred for each class at least."""
    return asked(settings, there, ("noise", "interpolated"), 100 * there.classes)


def asked(settings: AttackSettings, there: Situation, names: tuple[str, ...], least: int) -> Fitted:
    """As many images as may be asked about; as many of each name."""
    most = int(there.limit / (max(there.work, 1.0) * len(names)))
    least = min(least, *(settings[name] for name in names))
    if most < least:
        raise TooMuch(expensive(there.work * least * len(names), there))
    return changing(settings, "the model is expensive", **{name: min(settings[name], most) for name in names})


def output_change(settings: AttackSettings, there: Situation) -> Fitted:
    """Probes by gradients: fewer of them where a pass through the model is expensive."""
    for probes, used, restarts in (
        (settings["probes"], settings["used"], settings["restarts"]),
        (10, 10, 2),
        (5, 5, 1),
    ):
        if 3 * there.work * there.classes * probes * restarts * settings["steps"] <= STARTS * there.limit:
            return changing(settings, "the model is expensive", probes=probes, used=used, restarts=restarts)
    raise TooMuch(expensive(3 * there.work * there.classes * 5 * settings["steps"] / STARTS, there))


def output_change_zoo(settings: AttackSettings, there: Situation) -> Fitted:
    """All of its queries or none: as nothing says how often it is wrong, only where more effort is asked for."""
    queries = there.classes * settings["probes"] * settings["steps"] * 2 * settings["coordinates"]
    if there.effort < 2 and there.work * queries <= 2 * there.limit / there.effort:
        raise TooMuch(
            f"it asks about {2 * queries} images, more than all others together, and would not count: how often it "
            "raises a false alarm was measured nowhere; effort=2 runs it"
        )
    return affordable(settings, there, queries)


def affordable(settings: AttackSettings, there: Situation, queries: int) -> Fitted:
    """The settings as they are, if so many images may be asked about."""
    if there.work * queries > there.limit:
        raise TooMuch(expensive(there.work * queries, there))
    return Fitted(settings)


def changing(settings: AttackSettings, why: str, **values: int) -> Fitted:
    """The settings with these values, and what was changed."""
    changed = [f"{name} {settings[name]} -> {value}" for name, value in values.items() if value != settings[name]]
    return Fitted(settings | values, (f"{', '.join(changed)}: {why}",) if changed else ())


def expensive(work: float, there: Situation) -> str:
    """Why an attack is left out."""
    return (
        f"too expensive: {work / 1e12:.3g} million million operations at least, {there.limit / 1e12:.3g} are allowed "
        f"here; effort={max(2, math.ceil(there.effort * work / there.limit))} allows it"
    )


def queries_of(settings: AttackSettings) -> int:
    """How many images an attack asks about; 0 for one that reads the head."""
    return sum(int(settings.get(name, 0)) for name in ("images", "noise", "interpolated"))


FITS: dict[str, Callable[[AttackSettings, Situation], Fitted]] = {
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

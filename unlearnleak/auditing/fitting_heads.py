"""How attacks by heads are brought to what there is: few images, many classes."""

from unlearnleak.adversary.shadow import FEWEST
from unlearnleak.auditing.situation import HELD_BYTES, MATRIX, AttackSettings, Fitted, Situation, TooMuch

DRAW = 200
"""What drawing a random number costs, in operations of a matrix product."""
LEAST_HEADS, LEAST_STEPS = 5, 100
PER_CLASS = (100, 50, 20, 10, 5, 2, 1)
"""Images of a class that attacks by heads take, from the most to the least."""
ENOUGH = 20
"""With fewer images of a class, shadow targets are made fewer and trained shorter before images are left out."""
RELEARN_BYTES = 2e9


def heads(settings: AttackSettings, there: Situation) -> Fitted:
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


def shadows(settings: AttackSettings, there: Situation, changed: list[str]) -> int:
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


def relearn(settings: AttackSettings, there: Situation) -> Fitted:
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


def size(settings: AttackSettings, there: Situation) -> float:
    """Bytes of all auxiliary heads of an attack; 0 of one that has none."""
    return size_of_heads(settings.get("heads", 0), there)


def size_of_heads(heads: int, there: Situation) -> float:
    """Bytes of so many auxiliary heads for each class."""
    return 4.0 * heads * there.classes**2 * (there.width + 1)

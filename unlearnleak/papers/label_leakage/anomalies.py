"""What can be shown to be odd about the paper's figures from the figures alone. None of them is corrected."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from statistics import mean, median_high
from typing import NamedTuple

from unlearnleak.papers.label_leakage.cells import ALL, INVERSION, OVERALL, TABLES, Place, paper_cells

Figures = Mapping[Place, str]
CLASSES = 10
STEPS = {"param_dot": 1600, "param_diff": 320, "inversion_gradient": 800, "inversion_genetic": 800}
"""Of how many equal parts an average over the four data sets is made: 400 heads each, 80 tested heads each, and, as
nearly all printed averages of the inversion attacks have it, 20 targets of 10 classes each."""
LAST = Fraction(1, 100)
PARTS = ("forget", "retain")
EQUAL_CLASSES = ("fashion_mnist", "cifar10")
"""Data sets whose test set holds 1,000 images of every class, so that accuracies average by the number of classes."""


class Anomaly(NamedTuple):
    """An oddity of `table` and the sentence that says it."""

    table: str
    note: str


def anomalies(figures: Figures | None = None) -> list[Anomaly]:
    """Every oddity of the paper's tables that follows from its figures, table by table."""
    figures = paper_cells() if figures is None else figures
    checks = (retrained_knows, one_original, wrong_averages, off_grid, repeated, below_constant)
    found = [anomaly for check in checks for anomaly in check(figures)]
    return sorted(found, key=lambda one: list(TABLES).index(one.table))


def name(place: Place) -> str:
    """A figure of Tables V to VIII in words."""
    return f"{place.attack} / {place.screening}, {place.unlearner}"


def printable(value: Fraction, printed: str) -> bool:
    """Whether `value`, in percent, can be what was printed with two digits, rounded or cut off (the paper does both).

    A trailing zero that was not printed is taken as printed.
    """
    return -LAST / 2 <= value - Fraction(printed) < LAST


def wrong_averages(figures: Figures) -> list[Anomaly]:
    """Overall averages that are not the mean of the five figures beside them, within what rounding can do."""
    found = []
    for place, printed in figures.items():
        if place.unlearner == OVERALL:
            parts = [Fraction(figures[place._replace(unlearner=word)]) for word in TABLES[place.table].unlearners]
            middle = mean(parts)
            if abs(middle - Fraction(printed)) > Fraction(3, 2) * LAST:
                note = f"{place.attack} / {place.screening}: the overall average is printed as {printed}; the mean of "
                found.append(Anomaly(place.table, f"{note}its five figures is {float(middle):.2f}."))
    return found


def off_grid(figures: Figures) -> list[Anomaly]:
    """Averages of Tables V to VIII that are no multiple of the step on which the others lie."""
    found = []
    for place, printed in figures.items():
        if place.dataset == ALL and place.unlearner != OVERALL:
            steps = STEPS[place.attack]
            least = int(Fraction(printed) * steps / 100)
            if not any(printable(Fraction(k * 100, steps), printed) for k in (least, least + 1)):
                found.append(
                    Anomaly(place.table, f"{name(place)}: {printed} is no multiple of 1/{steps}, as others are.")
                )
    return found


def repeated(figures: Figures) -> list[Anomaly]:
    """Figures that stand in the same place of the tables for one class and for three, other than 0 and 100."""
    found = []
    for one, three in (("V", "VI"), ("VII", "VIII")):
        for place, printed in figures.items():
            same = place.table == one and figures.get(place._replace(table=three)) == printed
            if same and Fraction(printed) not in (0, 100):
                found.append(Anomaly(three, f"{name(place)}: {printed} stands in the same place of Table {one}."))
    return found


def retrained_knows(figures: Figures) -> list[Anomaly]:
    """Retrained models that do better than chance on classes that they were never shown."""
    chance = 100 / CLASSES
    return [
        Anomaly(
            place.table,
            f"{place.dataset}, RT: {printed} % of the forgotten classes' images are still judged rightly after "
            f"retraining without them (chance: {chance:.0f} %).",
        )
        for place, printed in figures.items()
        if (place.unlearner, place.quantity) == ("rt", "forget_acc_after") and float(printed) > chance
    ]


def one_original(figures: Figures) -> list[Anomaly]:
    """Unlearners whose originals have one and the same overall accuracy, whatever was forgotten later.

    With as many test images of every class, accuracy over all classes is the mean of the forgotten and the retained
    classes' accuracy, weighted by their numbers. Rounding moves it by less than 0.02 points.
    """
    found = []
    for dataset in EQUAL_CLASSES:
        totals: dict[str, list[float]] = defaultdict(list)
        for table in ("III", "IV"):
            share = TABLES[table].forgotten / CLASSES
            for word in TABLES[table].unlearners:
                place = Place(table, dataset, word, "", "", "forget_acc_before")
                forget, retain = (float(figures[place._replace(quantity=f"{part}_acc_before")]) for part in PARTS)
                totals[word].append(share * forget + (1 - share) * retain)
        middle = median_high(total for both in totals.values() for total in both)
        same = [word for word, both in totals.items() if max(abs(total - middle) for total in both) < 0.02]
        if len(same) > 1:
            shared = mean(total for word in same for total in totals[word])
            note = f"{dataset}: {', '.join(word.upper() for word in same)} start from models of {shared:.2f} % "
            note += (
                "accuracy over all classes, here as in Table IV: one original, it seems, stands behind their targets."
            )
            found.append(Anomaly("III", note))
    return found


def below_constant(figures: Figures) -> list[Anomaly]:
    """How many ASRs of inversion attacks are below that of the answer "nothing was forgotten".

    Parameter attacks are left out: their figures are no shares of classes (`metric.published`).
    """
    found = []
    for table, paper in TABLES.items():
        constant = 100 * (1 - paper.forgotten / CLASSES)
        values = [float(printed) for place, printed in figures.items() if place.table == table]
        below = sum(value < constant for value in values)
        if paper.methods == INVERSION and below:
            note = (
                f'{below} of {len(values)} figures are below {constant:.0f} %, what the answer "nothing was forgotten" '
            )
            found.append(Anomaly(table, f"{note}has; the paper compares with 50 %."))
    return found

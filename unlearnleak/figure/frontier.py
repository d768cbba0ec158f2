"""What a defence buys and costs: verdicts that name the forgotten set, against accuracy on the retained classes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from unlearnleak.analysis.groups import FEW, cases
from unlearnleak.figure.bars import classes
from unlearnleak.figure.chart import GREY, INK, ORANGE, Chart, Mark, Panel, frame, percent_axis
from unlearnleak.figure.file_names import file_names
from unlearnleak.figure.labels import Word, write_beside
from unlearnleak.figure.looks import COLOURS, MARKERS, Look
from unlearnleak.metric.interval import wilson
from unlearnleak.runs.strengths import order
from unlearnleak.runs.words import NO_DEFENSE

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

TITLE = "What a defence hides, and what it costs"
CAPTION = (
    "A filled mark is a defence at one strength, joined from the undefended model (star) on, weakest setting first. "
    "Dashes: the retrained model, undefended: no defence need hide more. Hollow marks: false alarms where nothing was "
    "forgotten, behind the same defence. Bars: 95 % Wilson intervals, from 5 runs on."
)
ALARM = "false alarms of controls"
MOST_NAMED = 5
"""Strengths of a defence that are written beside their marks."""


class Point(NamedTuple):
    """Runs behind one defence at one strength: shares of verdicts in [0, 1] that leak, or raise a false alarm."""

    defense: str
    strength: str
    retain_acc: float
    rate: float
    low: float | None
    high: float | None
    asr: float
    n: int
    control: bool


def frontier_charts(runs: "pd.DataFrame") -> list[Chart]:
    """A chart per data set, unlearner and number of classes of which some models are defended; a panel per attack."""
    known = cases(runs).dropna(subset=["retain_acc"])
    known = known.assign(defense=known["defense"].fillna(NO_DEFENSE), strength=known["strength"].fillna(""))
    defended = known[(known["defense"] != NO_DEFENSE) & (known["gate"] != "control")]
    words = ["dataset", "undefended", "count"]
    where = [(str(a), str(b), str(c)) for a, b, c in defended[words].drop_duplicates().itertuples(index=False)]
    if not where:
        return [
            Chart("frontier", TITLE, "", missing="No finished run has a defence (defense=weight_noise or the like).")
        ]
    names = file_names(where)
    return [chart(known, of, f"frontier_{names[of]}") for of in where]


def chart(known: "pd.DataFrame", where: tuple[str, str, str], stem: str) -> Chart:
    """One data set's and unlearner's chart."""
    dataset, undefended, count = where
    here = known[known["dataset"] == dataset]
    own = here[(here["undefended"] == undefended) & (here["count"] == int(count))]
    part = undefended.removeprefix(str(own["unlearner"].iloc[0]))  # of the class, and after what tuning
    tuned = own["finetuning_samples"].fillna(0).iloc[0]
    styles = told_apart(sorted({str(word) for word in own["defense"] if word != NO_DEFENSE}))
    panels, rows = [], []
    for (attack, screening), of in own.groupby(["attack", "screening"], sort=False):
        if (of["defense"] == NO_DEFENSE).all():
            continue
        alike = here[(here["attack"] == attack) & (here["screening"] == screening)]
        retrained = alike[(alike["method"] == f"rt{part}") & (alike["count"] == int(count))]
        control = (alike["gate"] == "control") & (alike["finetuning_samples"].fillna(0) == tuned)
        found = [*points(of, control=False), *points(alike[control], control=True)]
        found = [one for one in found if one.defense in (NO_DEFENSE, *styles)]
        rate = float(retrained["exact_match"].mean()) if len(retrained) else None
        panels.append(panel(f"{attack} / {screening}", found, rate, styles))
        head = {
            "dataset": dataset,
            "unlearner": undefended,
            "forgotten": count,
            "attack": attack,
            "screening": screening,
        }
        rows += [head | one._asdict() for one in found]
        if rate is not None:
            rows.append(
                head | {"unlearner": "rt", "defense": NO_DEFENSE, "rate": rate, "n": len(retrained), "control": False}
            )
    key = [Mark(f"{word}", *look) for word, look in styles.items()]
    key += [
        Mark("undefended", INK, "*"),
        Mark("retrained, undefended", GREY, "dashes"),
        Mark(ALARM, ORANGE, "o", hollow=True),
    ]
    title = f"{TITLE}: {dataset}, {undefended}, {classes(count)}"
    return Chart(stem, title, CAPTION, panels=panels, key=tuple(key), data=frame(rows))


def told_apart(words: list[str]) -> dict[str, Look]:
    """A colour and a marker of each defence's own; stars are the undefended models'."""
    markers = MARKERS.replace("*", "")
    return {word: (COLOURS[i % len(COLOURS)], markers[i % len(markers)]) for i, word in enumerate(words)}


def points(runs: "pd.DataFrame", *, control: bool) -> Iterator[Point]:
    """A point per defence and strength, the weakest setting first."""
    groups = list(runs.groupby(["defense", "strength"]))
    for (defense, strength), of in sorted(groups, key=lambda pair: (str(pair[0][0]), order(str(pair[0][1])))):
        hits, n = int(of["exact_match"].sum()), len(of)
        hits = n - hits if control else hits
        low, high = wilson(hits, n) if n >= FEW else (None, None)
        means = float(of["retain_acc"].mean()), float(of["asr"].mean())
        yield Point(str(defense), str(strength), means[0], hits / n, low, high, means[1], n, control)


def panel(title: str, found: list[Point], retrained: float | None, styles: dict[str, Look]) -> Panel:
    """One attack's panel."""

    def draw(axis: "Axes") -> None:
        named: list[Word] = []
        if retrained is not None:
            axis.axhline(100 * retrained, color=GREY, lw=1.4, ls="--")
        start = [one for one in found if one.defense == NO_DEFENSE]
        drawn(axis, [one for one in start if not one.control], INK, "*", size=13)
        drawn(axis, [one for one in start if one.control], ORANGE, "*", size=13, hollow=True)
        for defense, (colour, marker) in styles.items():
            own = [one for one in found if one.defense == defense]
            line = [*(one for one in start if not one.control), *(one for one in own if not one.control)]
            joined(axis, line, color=colour, lw=1.1)
            marks = [one for one in own if not one.control]
            drawn(axis, marks, colour, marker)
            named += [word(one) for one in marks] if len(marks) <= MOST_NAMED else []
            drawn(axis, [one for one in own if one.control], ORANGE, marker, hollow=True)
        percent_axis(axis, "exact verdicts, alarms in %")
        axis.set_ylim(-4, 108)
        axis.margins(x=0.12)
        axis.grid(axis="x")
        axis.set_xlabel("accuracy on retained classes in %")
        axis.locator_params(axis="x", nbins=6)
        axis.set_title(title)
        write_beside(axis, named)  # what found no room is in the panel's words and in the data

    told = [f"{spoken(one)} {100 * one.rate:.1f} % at {100 * one.retain_acc:.1f} % (n {one.n})" for one in found]
    told += [f"retrained: exact {100 * retrained:.1f} %"] if retrained is not None else []
    return Panel(title, "; ".join(told), draw)


def spoken(one: Point) -> str:
    """A point in words, before its numbers."""
    name = "undefended" if one.defense == NO_DEFENSE else f"{one.defense} {one.strength}".strip()
    return f"{name}: {'false alarms' if one.control else 'exact'}"


def joined(axis: "Axes", line: list[Point], **look: Any) -> None:
    """The line through the points."""
    axis.plot([100 * one.retain_acc for one in line], [100 * one.rate for one in line], **look)


def drawn(
    axis: "Axes",
    found: list[Point],
    colour: str,
    marker: str,
    *,
    size: float = 6,
    hollow: bool = False,
) -> None:
    """Marks with their intervals."""
    for one in found:
        x = 100 * one.retain_acc
        if one.low is not None and one.high is not None:
            axis.plot([x, x], [100 * one.low, 100 * one.high], color=colour, lw=0.9, alpha=0.7)
        axis.plot(
            [x], [100 * one.rate], marker, ms=size, mfc="none" if hollow else colour, mec=colour, mew=1.3, clip_on=False
        )


def word(one: Point) -> Word:
    """What stands beside a point: its strength, without the setting's name where there is one setting."""
    text = one.strength.rpartition(" ")[2] if "," not in one.strength else one.strength
    return Word(100 * one.retain_acc, 100 * one.rate, text)

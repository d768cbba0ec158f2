"""From which part of a class on does the model give the class away?"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.groups import FEW, cases
from unlearnleak.figure.bars import classes
from unlearnleak.figure.chart import COLOURS, INK, Chart, Mark, Panel, frame, percent_axis
from unlearnleak.metric.interval import wilson

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"
UNSEEN = "nothing"
"""What an attack sees of the model before that faces the unlearned model alone."""
STEM, TITLE = "leak_over_share", "Leak over the share of the class that was forgotten"
CAPTION = (
    "Verdicts that name the forgotten classes, over the share of their training images that was forgotten. Dashes and "
    "hollow marks: attacks that see the model before, too. Bars: 95 % Wilson intervals, from 5 runs on."
)


class Point(NamedTuple):
    """Runs of one attack at one share, with the share of exact verdicts and its interval, all in [0, 1]."""

    attack: str
    screening: str
    sees_original: bool
    share: float
    rate: float
    low: float | None
    high: float | None
    asr: float
    n: int


def share_chart(runs: "pd.DataFrame") -> Chart:
    """A panel per data set, unlearner with its defence, fine-tuning stage and number of classes partly forgotten."""
    known = cases(runs).dropna(subset=["forget_share"])
    known = known[known["gate"] != "control"]
    tuned = known["finetuning_samples"].fillna(0)
    rows_alone = (known["forget_share"] == 1) & (known["forget_level"].fillna("class") == "sample") & (tuned == 0)
    known = known[~rows_alone]  # single images have no share
    where = ["dataset", "unlearner", "defended", "tuned", "count"]
    defended = (known["defense"].fillna("none") + " " + known["strength"].fillna("")).str.strip()
    known = known.assign(defended=defended, tuned=tuned.astype("Int64"))
    panels, rows = [], []
    pairs = list(known[["attack", "screening"]].drop_duplicates().itertuples(index=False, name=None))
    for words, of in known.groupby(where, sort=False):
        if of["forget_share"].nunique() < 2:
            continue
        dataset, unlearner, defended, samples, count = map(str, words)
        found = list(points(of))
        label = unlearner if samples == "0" else f"{unlearner} (tuned on {samples})"
        label += "" if defended == "none" else f" + {defended}"
        panels.append(panel(f"{dataset}, {label}, {classes(count)}", found, pairs))
        rows += [{"dataset": dataset, "unlearner": label, "forgotten": count} | one._asdict() for one in found]
    if not panels:
        why = "No unlearner forgot different shares of a class in these runs. "
        return Chart(STEM, TITLE, CAPTION, missing=f"{why}To draw it, sweep over forget_share=0.1,0.5,1.0.")
    shown = {(str(row["attack"]), str(row["screening"]), bool(row["sees_original"])) for row in rows}
    key = [
        Mark(f"{attack} / {screening}", *look(pairs.index((attack, screening))), hollow=before)
        for attack, screening, before in sorted(shown, key=lambda one: pairs.index(one[:2]))
    ]
    told = (Mark("sees the model before too", INK, "dashes"), Mark("sees the unlearned model alone", INK, "line"))
    return Chart(STEM, TITLE, CAPTION, panels=panels, key=(*key, *told), data=frame(rows))


def look(number: int) -> tuple[str, str]:
    """The colour and marker of an attack."""
    return COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]


def points(runs: "pd.DataFrame") -> Iterator[Point]:
    """Each attack's points, the smallest share first."""
    sees = ~runs["sees_original"].fillna(UNSEEN).isin([UNSEEN])
    by = ["attack", "screening", "sees", "forget_share"]
    for (attack, screening, before, share), of in runs.assign(sees=sees).groupby(by):
        hits, n = int(of["exact_match"].sum()), len(of)
        low, high = wilson(hits, n) if n >= FEW else (None, None)
        yield Point(
            str(attack), str(screening), bool(before), float(share), hits / n, low, high, float(of["asr"].mean()), n
        )


def panel(title: str, found: list[Point], pairs: list[tuple[str, str]]) -> Panel:
    """A line per attack and screening; shares stand side by side, as far apart whatever they are."""
    shares = sorted({one.share for one in found})
    series: dict[tuple[str, str, bool], list[Point]] = defaultdict(list)
    for one in found:
        series[one.attack, one.screening, one.sees_original].append(one)

    def draw(axis: "Axes") -> None:
        for number, ((attack, screening, before), of) in enumerate(series.items()):
            colour, marker = look(pairs.index((attack, screening)))
            x = [shares.index(one.share) + 0.06 * (number - (len(series) - 1) / 2) for one in of]
            face = "none" if before else colour
            line = "--" if before else "-"
            axis.plot(x, [100 * one.rate for one in of], marker, ls=line, color=colour, mfc=face, clip_on=False)
            for place, one in zip(x, of, strict=True):
                if one.low is not None and one.high is not None:
                    axis.plot([place, place], [100 * one.low, 100 * one.high], color=colour, lw=0.9)
        axis.set_xticks(range(len(shares)), [f"{100 * share:g} %" for share in shares])
        axis.set_xlim(-0.4, len(shares) - 0.6)
        percent_axis(axis, "exact verdicts in %")
        axis.set_xlabel("share of the class that was forgotten")
        axis.set_title(title)

    text = "; ".join(
        f"{attack} / {screening}{' (sees the model before)' if before else ''}: "
        + ", ".join(f"{100 * one.rate:.1f} % at {100 * one.share:g} % (n {one.n})" for one in of)
        for (attack, screening, before), of in series.items()
    )
    return Panel(title, text, draw)

"""Largest prediction probabilities of inverted images, before and after unlearning (the paper's Figure 4)."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from unlearnleak.figure.bars import classes
from unlearnleak.figure.chart import FORGOTTEN, RETAINED, Chart, Mark, Panel, frame, percent_axis, wide_enough
from unlearnleak.figure.distributions import TARGETS, Sample, by_target_kind, samples
from unlearnleak.figure.evidence import PREDICTION, attacks_of
from unlearnleak.figure.file_names import file_names
from unlearnleak.runs.stored import Stores

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes


def probability_charts(runs: "pd.DataFrame", stores: Stores) -> list[Chart]:
    """Figure 4 for each inversion attack that was run."""
    attacks = attacks_of(PREDICTION, runs, stores) or ["inversion_gradient"]
    names = file_names((attack,) for attack in attacks)
    return [probability_chart(runs, stores, attack, names[attack,]) for attack in attacks]


def probability_chart(runs: "pd.DataFrame", stores: Stores, attack: str, name: str) -> Chart:
    """Of the inverted image of every class: before unlearning (the control) and after."""
    about = Chart(
        stem=f"fig4_probability_{name}",
        title=f"Largest prediction probability, {attack}",
        caption=f"A mark is a class of a target: its inverted image's largest probability. At most {TARGETS} "
        "targets of each unlearner. “before” is the control, the original model.",
        paper="4",
    )
    pools = by_target_kind(runs, attack)
    if not pools:
        return replace(about, missing=f"No finished run has attack={attack}.")
    columns: dict[str, dict[tuple[str, str], list[Sample]]] = defaultdict(dict)
    why = ""
    for (dataset, unlearner, count), members in pools.items():
        found, reason = samples(members, stores, PREDICTION)
        why = why or reason
        if found:
            columns[dataset][unlearner, count] = found
    panels = [
        probability_panel(f"{dataset}, {classes(count)}", beside_control(of, count))
        for dataset, of in columns.items()
        for count in dict.fromkeys(count for _, count in of if count != "0" or len(of) == 1)
    ]
    rows = [
        {"dataset": dataset, "unlearner": unlearner, "forgotten_count": count, "target": target, "class": c}
        | {"forgotten": bool(sample.truth_K[c]), "largest_probability": float(sample.values_KM[c, 0])}
        for dataset, of in columns.items()
        for (unlearner, count), found in of.items()
        for target, sample in enumerate(found)
        for c in range(len(sample.truth_K))
    ]
    missing = "" if panels else f"The evidence of these runs cannot be read: {why}."
    key = (Mark("retained class", RETAINED, "o"), Mark("forgotten class", FORGOTTEN, "X"))
    return replace(about, panels=panels, key=key, data=frame(rows), missing=missing)


def beside_control(columns: dict[tuple[str, str], list[Sample]], count: str) -> dict[tuple[str, str], list[Sample]]:
    """The unlearners that forgot `count` classes, and the control."""
    return {key: found for key, found in columns.items() if key[1] in (count, "0")}


def probability_panel(title: str, columns: dict[tuple[str, str], list[Sample]]) -> Panel:
    """A column of marks per unlearner, the control first."""
    ordered = sorted(columns.items(), key=lambda pair: pair[0][1] != "0")
    labels = [
        f"{'before' if count == '0' else unlearner}\nn {sum(s.truth_K.size for s in found)}"
        for (unlearner, count), found in ordered
    ]

    def draw(axis: "Axes") -> None:
        random = np.random.default_rng(0)  # only for the sideways jitter
        for x, (_, found) in enumerate(ordered):
            for forgotten, colour, marker in ((False, RETAINED, "o"), (True, FORGOTTEN, "X")):
                y = np.concatenate([s.values_KM[s.truth_K == forgotten, 0] for s in found])
                spread = x + random.uniform(-0.22, 0.22, len(y))
                axis.plot(spread, 100 * y, marker, color=colour, alpha=0.7, mew=0, ms=7 if forgotten else 4.5)
        axis.set_xticks(range(len(labels)), labels)
        axis.set_xlim(-0.6, max(len(labels), 4) - 0.4)
        percent_axis(axis, "largest probability in %")
        axis.set_title(title)

    parts = []
    for (unlearner, count), found in ordered:
        for name, wanted in (("retained", False), ("forgotten", True)):
            y = np.concatenate([s.values_KM[s.truth_K == wanted, 0] for s in found])
            if y.size:
                parts.append(f"{unlearner} {count}, {name}: median {100 * np.median(y):.1f} %, n {y.size} classes")
    return Panel(title, "; ".join(parts), draw, size=wide_enough(labels))

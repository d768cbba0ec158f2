"""What the parameter attacks saw, with the truth beside it: dot products (the paper's Figures 9 and 10) and sums of
absolute differences (Figure 11).

The attacker never sees these colours. They say whether there was anything to see.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unlearnleak.analysis.groups import cases
from unlearnleak.figure.bars import classes
from unlearnleak.figure.chart import FORGOTTEN, RETAINED, Chart, Mark, Panel, frame
from unlearnleak.figure.evidence import DIFFERENCE, DOT, OURS, PREDICTION, attacks_of
from unlearnleak.figure.file_names import file_names
from unlearnleak.runs.stored import GoneError, Stores

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from matplotlib.axes import Axes

TARGETS = 3
"""Targets of each unlearner that a distribution is drawn from: evidence is large, and this is enough to see a shape."""
BINS = 40
GROUPS = (("retained", RETAINED), ("forgotten", FORGOTTEN))


class Sample(NamedTuple):
    """A target's measurements [K, M] and which of its K classes were forgotten."""

    values_KM: np.ndarray
    truth_K: np.ndarray


def samples(runs: "pd.DataFrame", stores: Stores, kind: str) -> tuple[list[Sample], str]:
    """Up to TARGETS of the runs' measurements, and why there are none. A target counts once for all its screenings."""
    found: list[Sample] = []
    why = ""
    kept = runs.drop_duplicates("key_evidence") if "key_evidence" in runs else runs.iloc[:1]
    for _, run in kept.iterrows():
        if len(found) == TARGETS:
            break
        try:
            values_KMF = measured(stores.arrays(run, "evidence"))
        except GoneError as error:
            why = str(error)
            continue
        truth_K = np.isin(judged(run, len(values_KMF)), run["forgotten"])
        found.append(Sample(MEASURES[kind](values_KMF, truth_K), truth_K))
    return found, why


def judged(run: Any, count: int) -> np.ndarray:
    """The classes that so many rows of a run's evidence are of: all, or those that its attacker could judge."""
    left_out = run.get("not_judged")
    without = left_out if isinstance(left_out, list) else []
    return np.setdiff1d(np.arange(count + len(without)), without)


def measured(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The measurements [K, M, F] in an evidence. Raises GoneError."""
    values_KMF = arrays.get("samples_KMF")
    if values_KMF is None or values_KMF.ndim != 3 or 0 in values_KMF.shape or not np.isfinite(values_KMF).all():
        raise GoneError("it holds no measurements")
    return values_KMF


def in_units(values_KM: np.ndarray, truth_K: np.ndarray) -> np.ndarray:
    """Divided by the size of the median of the target's retained classes, so that targets can share an axis."""
    unit = abs(float(np.median(values_KM[~truth_K] if (~truth_K).any() else values_KM)))
    return values_KM / unit if unit else values_KM


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    DOT: lambda values_KMF, truth_K: in_units(values_KMF[..., 0], truth_K),
    DIFFERENCE: lambda values_KMF, truth_K: in_units(np.abs(values_KMF).sum(2), truth_K),
    PREDICTION: lambda values_KMF, truth_K: np.exp(values_KMF[:, :1].max(2)),
}


def by_target_kind(runs: "pd.DataFrame", attack: str) -> "dict[tuple[str, str, str], pd.DataFrame]":
    """The attack's finished runs by (data set, unlearner, number of classes), whatever the screening."""
    known = cases(runs)
    pools = known[known["attack"] == attack].groupby(["dataset", "label", "count"], sort=False)
    return {(str(dataset), str(label), str(count)): members for (dataset, label, count), members in pools}


def histogram_chart(runs: "pd.DataFrame", stores: Stores, *, attack: str, kind: str, about: Chart) -> Chart:
    """Histograms of a measurement of auxiliary heads, forgotten and retained classes apart; a panel per unlearner."""
    pools = by_target_kind(runs, attack)
    if not pools:
        return replace(about, missing=f"No finished run has attack={attack}.")
    panels, rows, why = [], [], ""
    for (dataset, unlearner, count), members in pools.items():
        found, reason = samples(members, stores, kind)
        why = why or reason
        if found:
            title = f"{dataset}, {unlearner}, {classes(count)}"
            panel, bins = histogram(title, found, about.title.lower())
            panels.append(panel)
            rows += [{"dataset": dataset, "unlearner": unlearner, "forgotten_count": count} | one for one in bins]
    key = tuple(Mark(f"heads of {name} classes", colour) for name, colour in GROUPS)
    missing = "" if panels else f"The evidence of these runs cannot be read: {why}."
    return replace(about, panels=panels, key=key, data=frame(rows), missing=missing)


def histogram(title: str, found: list[Sample], label: str) -> tuple[Panel, list[dict[str, Any]]]:
    """Two outlined histograms over shared bins, each with area 1, and the bins as rows."""
    values = {
        name: np.concatenate([s.values_KM[s.truth_K == (name == "forgotten")].ravel() for s in found])
        for name, _ in GROUPS
    }
    everything = np.concatenate(list(values.values()))
    low, high = np.quantile(everything, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts = {name: np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for name, v in values.items() if v.size}

    def draw(axis: "Axes") -> None:
        for name, colour in GROUPS:
            if name in counts:
                share = 100 * counts[name] / counts[name].sum()
                axis.stairs(share, edges, color=colour, fill=True, alpha=0.35)
                axis.stairs(share, edges, color=colour, lw=1.3, ls="--" if name == "forgotten" else "-")
        axis.set_ylim(0, 1.35 * axis.dataLim.y1)  # room for n
        axis.set_yticks([])
        axis.locator_params(axis="x", nbins=5)
        axis.spines["left"].set_visible(False)
        axis.set_ylabel("share of heads")
        axis.set_xlabel(f"{label} (1 is the median of retained)")
        axis.set_title(title)
        axis.annotate(heads, (1, 0.98), xycoords="axes fraction", ha="right", va="top", fontsize=8)

    targets = f"{len(found)} target{'' if len(found) == 1 else 's'}"
    heads = "\n".join([*(f"n {v.size:,} {name}" for name, v in values.items()), targets])
    parts = [f"{name}: median {np.median(v):.3f}, n {v.size} heads" for name, v in values.items() if v.size]
    rows = [
        {"group": name, "targets": len(found), "bin_low": lo, "bin_high": hi, "heads": int(number)}
        for name, of in counts.items()
        for lo, hi, number in zip(edges[:-1], edges[1:], of, strict=True)
    ]
    return Panel(title, f"{targets}. " + "; ".join(parts), draw), rows


def head_charts(runs: "pd.DataFrame", stores: Stores) -> list[Chart]:
    """Figures 9 and 10, and 11, from these runs, and the same of every other attack with such evidence."""
    limit = f"At most {TARGETS} targets of each unlearner, each in units of its own retained classes' median."
    dot = Chart(
        stem="fig9_10_dot_products",
        title="Dot product",
        caption=f"Dot products of auxiliary heads with the target's head. {limit}",
        paper="9 and 10",
    )
    difference = Chart(
        stem="fig11_absolute_differences",
        title="Sum of absolute differences",
        caption=f"Sums of the absolute differences between auxiliary heads and the target's head. {limit}",
        paper="11",
    )
    charts = [
        histogram_chart(runs, stores, attack="param_dot", kind=DOT, about=dot),
        histogram_chart(runs, stores, attack="param_diff", kind=DIFFERENCE, about=difference),
    ]
    for kind, about in ((DOT, dot), (DIFFERENCE, difference)):
        for attack in attacks_of(kind, runs, stores):
            if attack not in OURS:
                (name,) = file_names([(attack,)]).values()
                own = replace(about, stem=f"{kind}_{name}", title=f"{about.title}, {attack}", paper="")
                charts.append(histogram_chart(runs, stores, attack=attack, kind=kind, about=own))
    return charts

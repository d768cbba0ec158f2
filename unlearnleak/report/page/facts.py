"""What was run: how the runs ended, the grid, versions and time."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any, NamedTuple

from unlearnleak.analysis.names import ATTACKS, UNLEARNERS, place
from unlearnleak.runs.loading import job_of
from unlearnleak.runs.stages import StageCost, stage_spent, stages
from unlearnleak.runs.status import LATEST
from unlearnleak.runs.words import NO_DEFENSE

Run = dict[str, Any]
STATUSES = ("done", "running", "waiting", "failed", "skipped")
AXES = {
    "data set": "dataset",
    "model": "model",
    "unlearner": "unlearner",
    "defence": "defense",
    "attack": "attack",
    "screening": "screening",
    "forgotten classes": "asked",
    "seed": "seed",
}
OPTIONAL = {"defense": NO_DEFENSE}
"""Axes that are shown where a run differs from what a run without the word has."""
MANY = 12
"""Values of an axis that are listed before the rest is only counted."""


class Failure(NamedTuple):
    """Runs that ended alike without counting: failed, skipped, or attacked a model that did not pass the gate."""

    state: str
    why: str
    runs: list[Run]


class Facts(NamedTuple):
    """How runs ended, what they were and what their stages took; `spent` is empty, and `computed` too, where no run
    says by which artifacts.
    """

    counts: dict[str, int]
    gate_failed: int
    repeated: int
    axes: dict[str, list[tuple[str, int]]]
    versions: dict[str, list[str]]
    began: str
    ended: str
    spent: list[StageCost]
    computed: str

    @property
    def total(self) -> int:
        """All runs."""
        return sum(self.counts.values())


def facts(runs: list[Run]) -> Facts:
    """Everything about the runs that is no result."""
    done = [run for run in runs if run["status"] == "done"]
    counts = Counter(run["status"] for run in runs)
    known = {status: counts.pop(status) for status in STATUSES if counts[status]}
    spent = [of for stage in stages(done) if (of := stage_spent(done, stage)).artifacts]
    times = [run["time"] for run in runs if isinstance(run.get("time"), int | float) and 0 <= run["time"] < LATEST]
    return Facts(
        counts=known | dict(counts),
        gate_failed=sum(run["gate"] == "failed" for run in done),
        repeated=len(done) - len({job_of(run) or id(run) for run in done}),
        axes={axis: axis_counts(runs, key) for axis, key in AXES.items() if is_told(runs, key)},
        versions=versions(done),
        began=moment(min(times, default=None)),
        ended=moment(max(times, default=None)),
        spent=spent,
        computed=duration(sum(of.seconds for of in spent)) if spent else "",
    )


def failures(runs: list[Run]) -> list[Failure]:
    """Failed runs, then those whose model failed the gate, then skipped ones; each reason once, the commonest first."""
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run["status"] in ("failed", "skipped"):
            found.setdefault((run["status"], str(run.get("why") or "no reason was recorded")), []).append(run)
        elif run["status"] == "done" and run["gate"] == "failed":
            reasons = "; ".join(run.get("gate_reasons") or ["no reason was recorded"])
            found.setdefault(("gate failed", reasons), []).append(run)
    order = ("failed", "gate failed", "skipped")
    listed = [Failure(state, why, members) for (state, why), members in found.items()]
    return sorted(listed, key=lambda one: (order.index(one.state), -len(one.runs)))


def is_told(runs: list[Run], key: str) -> bool:
    """Whether an axis is worth a line: an optional one is where a run has another word than runs without it."""
    return key not in OPTIONAL or any(run.get(key, OPTIONAL[key]) not in (None, OPTIONAL[key]) for run in runs)


def axis_counts(runs: list[Run], key: str) -> list[tuple[str, int]]:
    """Each value with how many runs have it, in the paper's order where there is one."""
    counts = Counter(str(run.get(key) or OPTIONAL.get(key, "-")) for run in runs)
    order = {"unlearner": UNLEARNERS, "attack": ATTACKS}.get(key, ())
    return sorted(counts.items(), key=lambda pair: (place(pair[0], order)[0], len(pair[0]), pair[0]))


def versions(done: list[Run]) -> dict[str, list[str]]:
    """Each package's versions, the revisions and the devices; more than one is worth knowing."""
    found: dict[str, set[str]] = {}
    for run in done:
        words = dict(run.get("versions") or {}) | {"revision": run.get("revision"), "device": run.get("device")}
        for name, version in words.items():
            if version is not None:
                found.setdefault(name, set()).add(str(version))
    return {name: sorted(values) for name, values in found.items()}


def moment(time: float | None) -> str:
    """A time for people, in UTC; a dash where there is none."""
    return "-" if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(spent: float) -> str:
    """Seconds for people."""
    if spent < 120:
        return f"{spent:.0f} s" if spent >= 10 else f"{spent:.1f} s"
    minutes, hours = spent / 60, spent / 3600
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h"

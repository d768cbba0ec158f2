"""Everything that a report shows, worked out before anything is drawn or written."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.runs.data_sets import told_apart
from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.strengths import with_strengths
from unlearnleak.runs.words import named, shown

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

    from unlearnleak.analysis.compare import Change, Comparison
    from unlearnleak.analysis.evaluated import Measured
    from unlearnleak.analysis.matrix import Matrix, Summary
    from unlearnleak.analysis.recovered import Recovery
    from unlearnleak.figure.chart import Chart

Run = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that is shown, drawn and written. `frame` is of `runs`, whose places are its index."""

    folders: list[str]
    against: list[str]
    runs: list[Run]
    frame: "pd.DataFrame"
    matrices: "list[Matrix]"
    summaries: "list[Summary]"
    detections: "pd.DataFrame"
    recoveries: "list[Recovery]"
    measured: "list[Measured]"
    charts: "list[Chart]"
    asr_charts: "list[Chart]"
    changes: "list[Change]"
    too_few: int


def gather(folders: list[Path], against: list[Path], stores: Any) -> Report:
    """Read the runs and work everything out that is not a drawing."""
    from unlearnleak.analysis.detection import detections  # noqa: PLC0415  (NumPy, SciPy and pandas)
    from unlearnleak.analysis.evaluated import measured  # noqa: PLC0415
    from unlearnleak.analysis.matrix import matrices, summaries  # noqa: PLC0415
    from unlearnleak.analysis.recovered import recoveries  # noqa: PLC0415
    from unlearnleak.figure.accuracy import accuracy_chart  # noqa: PLC0415  (NumPy, SciPy and pandas)
    from unlearnleak.figure.bars import asr_charts  # noqa: PLC0415
    from unlearnleak.figure.destinations import destination_chart  # noqa: PLC0415
    from unlearnleak.figure.distance import distance_chart  # noqa: PLC0415
    from unlearnleak.figure.distributions import head_charts  # noqa: PLC0415
    from unlearnleak.figure.frontier import frontier_charts  # noqa: PLC0415
    from unlearnleak.figure.inverted import sheet_chart  # noqa: PLC0415
    from unlearnleak.figure.over_count import count_chart  # noqa: PLC0415
    from unlearnleak.figure.probability import probability_charts  # noqa: PLC0415
    from unlearnleak.figure.recovered import recovered_chart  # noqa: PLC0415
    from unlearnleak.figure.shares import share_chart  # noqa: PLC0415
    from unlearnleak.runs.frame import framed  # noqa: PLC0415

    runs, before = read(folders, against)
    frame = framed(runs)
    cells, attacks, recovered = matrices(frame), summaries(frame), recoveries(frame)
    evaluated = measured(frame)
    beside_retraining = [distance_chart(evaluated), destination_chart(evaluated)]
    comparison = since(framed(before), frame) if against else None
    return Report(
        folders=[str(folder) for folder in folders],
        against=[str(folder) for folder in against],
        runs=runs,
        frame=frame,
        matrices=cells,
        summaries=attacks,
        detections=detections(frame),
        recoveries=recovered,
        measured=evaluated,
        charts=[
            accuracy_chart(frame),
            count_chart(cells),
            *frontier_charts(frame),
            share_chart(frame),
            *probability_charts(frame, stores),
            *head_charts(frame, stores),
            sheet_chart(frame, stores),
            *([recovered_chart(frame)] if recovered else []),
            *(chart for chart in beside_retraining if chart),
        ],
        asr_charts=asr_charts(cells),
        changes=comparison.changes if comparison else [],
        too_few=comparison.too_few if comparison else 0,
    )


def read(folders: list[Path], against: list[Path]) -> tuple[list[Run], list[Run]]:
    """The runs in the folders, and those that came before, all fit to be shown."""
    runs = [shown(named(run)) for run in load_runs(folders)]
    before = [shown(named(run)) for run in load_runs(against)] if against else []
    both = with_strengths(told_apart([*runs, *before]))
    return both[: len(runs)], both[len(runs) :]


def since(before: "pd.DataFrame", runs: "pd.DataFrame") -> "Comparison":
    """What has changed since the runs `before`."""
    from unlearnleak.analysis.compare import compare  # noqa: PLC0415  (SciPy's tests, only for those who compare)

    return compare(before, runs)

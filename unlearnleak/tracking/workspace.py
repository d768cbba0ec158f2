"""What the workspace shows: sections, their panels, and how runs are grouped.

Panels that compare methods average over runs of one unlearner and one attack, and say so in their titles: a mean needs
runs that differ in class and seed only, which one sweep has. Keys are those of `result.json`.
"""

from collections.abc import Sequence

import wandb_workspaces.reports.v2.interface as panels
import wandb_workspaces.workspaces as ws
from wandb_workspaces import expr

from unlearnleak.tracking.wandb_config import METHOD, PAIR

MOST_RUNS = 1000  # ours: a whole grid enters a mean; W&B's default, ten runs, would be averaged silently
MOST_BARS = 400  # ours: twenty unlearners x twenty attacks; W&B leaves out what is beyond
COLUMNS = (
    *("config:dataset.value", "config:method.value", "config:attack.value", "config:screening.value"),
    *("config:seed.value", "summary:asr", "summary:asr_published", "summary:asr_constant", "summary:exact_match"),
    *("summary:forget_acc", "summary:retain_acc", "summary:gate"),
)
"""The columns of the table of runs, beside each one's name."""


def bars(title: str, metrics: Sequence[str], by: str = PAIR) -> panels.BarPlot:
    """Means over all runs with the same word under `by`, with their standard deviation."""
    return panels.BarPlot(
        title=title,
        metrics=list(metrics),
        groupby=panels.Config(by),
        groupby_aggfunc="mean",
        groupby_rangefunc="stddev",
        max_runs_to_show=MOST_RUNS,
        max_bars_to_show=MOST_BARS,
    )


def coordinates(title: str, config: Sequence[str], results: Sequence[str]) -> panels.ParallelCoordinatesPlot:
    """A line per run across settings and results; words, such as those of the gate, are marks on their axis."""
    column = panels.ParallelCoordinatesPlotColumn
    columns = [column(metric=panels.Config(name)) for name in config]
    return panels.ParallelCoordinatesPlot(title=title, columns=[*columns, *(column(metric=name) for name in results)])


def leakage() -> ws.Section:
    """Does the model tell which class it forgot?"""
    return ws.Section(
        name="Leakage: blind verdicts",
        is_open=True,
        panels=[
            bars("Blind ASR beside the answer 'nothing was forgotten' (mean)", ["asr", "asr_constant"]),
            bars("Verdicts that name the forgotten set exactly (share)", ["exact_match"]),
            bars("AUROC of the class scores (mean)", ["auroc"]),
            bars("Precision and recall of the verdict (mean)", ["precision", "recall"]),
            bars("Exact verdicts by screening (share)", ["exact_match"], by="screening"),
            coordinates("Every run", ["dataset", "unlearner", "attack", "screening"], ["asr", "exact_match"]),
        ],
    )


def protocols() -> ws.Section:
    """The paper's protocol beside the blind one."""
    return ws.Section(
        name="Blind against as published",
        is_open=True,
        panels=[
            bars("ASR: blind, as published, constant (mean)", ["asr", "asr_published", "asr_constant"]),
            panels.ScatterPlot(title="Blind ASR over ASR as published", x="asr_published", y="asr"),
            panels.ScatterPlot(title="Blind ASR over the constant answer's", x="asr_constant", y="asr"),
        ],
    )


def unlearning() -> ws.Section:
    """Did the model forget, and what did it lose?"""
    return ws.Section(
        name="Unlearning: forget and retain accuracy",
        is_open=True,
        panels=[
            panels.ScatterPlot(
                title="Forget over retain accuracy (test); colour: ASR", x="retain_acc", y="forget_acc", z="asr"
            ),
            bars("Accuracy after unlearning (test, mean)", ["forget_acc", "retain_acc"], by=METHOD),
            coordinates("Gate: passed, failed or control", ["unlearner"], ["forget_acc", "retain_acc", "gate", "asr"]),
            panels.LinePlot(title="Unlearning: test accuracy", x="unlearned/epoch", y=["unlearned/test_acc"]),
            panels.LinePlot(title="Original: test accuracy", x="original/epoch", y=["original/test_acc"]),
        ],
    )


def cost(stages: Sequence[str]) -> ws.Section:
    """What did it take? A stage's figures are those of the run that computed it, also where it came from the store."""
    return ws.Section(
        name="Cost",
        panels=[
            bars("Seconds per stage (mean)", [f"seconds_{stage}" for stage in stages]),
            bars("Memory per stage in MiB (mean)", [f"memory_mib_{stage}" for stage in stages]),
            bars("Queries to a black box (mean)", ["queries"], by="attack"),
        ],
    )


def one_run() -> ws.Section:
    """What an attack saw: to be looked at run by run."""
    return ws.Section(
        name="Run by run",
        panels=[
            panels.MediaBrowser(title="Inverted images", media_keys=["inverted"], num_columns=10),
            panels.MediaBrowser(
                title="Forgotten images beside recovered ones", media_keys=["recovered"], num_columns=4
            ),
        ],
    )


def workspace(*, entity: str, project: str, sweep: str | None, name: str, stages: Sequence[str]) -> ws.Workspace:
    """The workspace of a project, or of one sweep in it; runs are grouped by sweep, method and attack.

    `stages` are those whose cost is shown, in their order.
    """
    runs = ws.RunsetSettings(
        groupby=[expr.Metric("Group"), expr.Config(METHOD), expr.Config("attack")],
        filters=expr.And(expr.Metric("Group") == sweep) if sweep else "",
        pinned_columns=list(COLUMNS),
    )
    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=[leakage(), protocols(), unlearning(), cost(stages), one_run()],
        settings=ws.WorkspaceSettings(max_runs=MOST_RUNS),
        runset_settings=runs,
    )

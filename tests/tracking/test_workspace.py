import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.jobs import STAGES
from tests.logger.offline import OfflineRun, read_offline
from tests.logger.real import run_small
from unlearnleak.cli.dashboard import as_json
from unlearnleak.tracking.workspace import workspace


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[OfflineRun]:
    """A white-box job and one that inverts images, as they come out of the real pipeline."""
    folder = tmp_path_factory.mktemp("real")
    for attack in ("param_dot", "inversion_gradient"):
        run_small(folder, f"attack={attack}", name=attack)
    return read_offline(folder)


@pytest.fixture(scope="module")
def recovering(tmp_path_factory: pytest.TempPathFactory) -> list[OfflineRun]:
    """A job that recovers images and judges no class."""
    folder = tmp_path_factory.mktemp("recovering")
    run_small(folder, "attack=gradient_matching", name="gradient_matching")
    return read_offline(folder)


def spec(**changed: Any) -> dict[str, Any]:
    chosen = {"entity": "team", "project": "leaks", "sweep": None, "name": "ours", "stages": STAGES} | changed
    return json.loads(as_json(workspace(**chosen)))["section"]  # type: ignore[no-any-return]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for section in spec()["panelBankConfig"]["sections"]:
        for panel in section["panels"]:
            yield panel["viewType"], panel["config"]


def accessors() -> Iterator[str]:
    """Keys that panels, and the table of runs, name with where they lie: "summary:asr", "config:seed.value"."""
    yield from spec()["runSets"][0]["runFeed"]["columnOrder"]
    for kind, config in panels():
        if kind == "Scatter Plot":
            yield from (config[axis] for axis in ("xAxis", "yAxis", "zAxis") if axis in config)
        elif kind == "Parallel Coordinates Plot":
            yield from (column["accessor"] for column in config["columns"])


def test_kinds_of_panels_are_those_that_are_looked_at_here() -> None:
    kinds = {kind for kind, _ in panels()}
    assert kinds == {"Bar Chart", "Scatter Plot", "Parallel Coordinates Plot", "Run History Line Plot", "Media Browser"}


def test_every_result_in_the_workspace_is_one_that_real_runs_log(runs: list[OfflineRun]) -> None:
    for run in runs:
        rows = {key: value for row in run.rows for key, value in row.items()}
        for kind, config in panels():
            if kind == "Bar Chart":
                for metric in config["metrics"]:
                    assert isinstance(rows.get(metric), int | float), metric
        summaries = [name.removeprefix("summary:") for name in accessors() if name.startswith("summary:")]
        assert len(summaries) > 10
        assert set(summaries) <= run.summary.keys()


def test_curves_and_media_are_those_that_real_runs_log(runs: list[OfflineRun], recovering: list[OfflineRun]) -> None:
    logged = {key for run in runs for row in run.rows for key in row}
    for kind, config in panels():
        if kind == "Run History Line Plot":
            assert {config["xAxis"], *config["metrics"]} <= logged
        if kind == "Media Browser":
            assert set(config["mediaKeys"]) <= {key for run in [*runs, *recovering] for key in run.media}


def test_every_setting_that_groups_is_a_short_word_of_real_runs(runs: list[OfflineRun]) -> None:
    grouped = [config["groupBy"] for kind, config in panels() if kind == "Bar Chart"]
    columns = [name.removeprefix("config:") for name in accessors() if name.startswith("config:")]
    keys = [key["name"] for key in spec()["runSets"][0]["grouping"] if key["section"] == "config"]
    for run in runs:
        for name in {*grouped, *columns, *keys}:
            value = run.config[name.removesuffix(".value")]
            assert isinstance(value, str | int), name
            assert len(str(value)) < 40
    assert [run.config["unlearner_attack"] for run in runs] == ["rt / param_dot", "rt / inversion_gradient"]


def test_runs_are_grouped_by_sweep_then_method() -> None:
    keys = [(key["section"], key["name"]) for key in spec()["runSets"][0]["grouping"]]
    assert keys == [("run", "group"), ("config", "method.value"), ("config", "attack.value")]


def test_means_take_in_the_whole_grid() -> None:
    """W&B's default is the first ten runs."""
    for kind, config in panels():
        if kind == "Bar Chart":
            assert (config["aggregate"], config["groupAgg"], config["limit"]) == (True, "mean", 1000)


def test_one_sweep_alone() -> None:
    (chosen,) = spec(sweep="digits")["runSets"][0]["filters"]["filters"]
    assert (chosen["key"], chosen["op"], chosen["value"]) == ({"section": "run", "name": "group"}, "=", "digits")
    assert spec()["runSets"][0]["filters"]["filters"] == []

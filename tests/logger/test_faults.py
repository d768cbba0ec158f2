"""W&B fails a job: the job's result stays, says so, and the same command again makes up for it."""

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.commandline import Finished, WarmPython
from tests.logger.faulty import faulty_job
from tests.logger.offline import read_offline
from tests.logger.server import KEY, Server

Run = Callable[..., Finished]


@pytest.fixture
def run(python: WarmPython) -> Run:
    return partial(faulty_job, python)


def read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / "runs" / "run" / name).read_text())  # type: ignore[no-any-return]


@pytest.mark.slow
def test_service_killed_before_the_results_are_logged(run: Run, tmp_path: Path) -> None:
    done = run(tmp_path, fault="kill_service")
    assert done.code == 0, done.err
    assert done.err.count("W&B does not take the run's rows any more") == 1
    assert "Traceback" not in done.err
    first = read(tmp_path, "result.json")
    assert first["asr"] is not None
    assert first["logged"] is False
    assert "Connection lost" in first["logged_why"]
    assert read(tmp_path, "status.json")["status"] == "done"
    assert [told.summary for told in read_offline(tmp_path)] == [{}]

    assert run(tmp_path).code == 0
    second = read(tmp_path, "result.json")
    assert (second["logged"], second["logged_why"]) == (True, None)
    assert all(second[f"stored_{stage}"] for stage in ("original", "unlearned", "evidence", "verdict"))
    assert second["scores"] == first["scores"]
    _, whole = read_offline(tmp_path)
    assert (whole.summary["asr"], whole.exit_code) == (first["asr"], 0)

    assert run(tmp_path).code == 0  # and now there is nothing left to do
    assert len(read_offline(tmp_path)) == 2


@pytest.mark.slow
def test_killed_while_it_logs_leaves_a_result_that_says_so(run: Run, tmp_path: Path) -> None:
    done = run(tmp_path, fault="die_when_logging")
    assert done.code == -signal.SIGKILL
    result = read(tmp_path, "result.json")
    assert result["asr"] is not None
    assert (result["logged"], result["logged_why"]) == (False, "the process ended before the run was logged")


def test_server_that_falls_silent_in_mid_run(run: Run, tmp_path: Path) -> None:
    with Server() as server:
        words = ["logger.mode=online", "logger.finish_timeout=2"]
        done = run(tmp_path, *words, fault="silence_server", **server.environment)
        assert done.code == 0, done.err
        assert "W&B's upload did not end within 2 s" in done.err
        first = read(tmp_path, "result.json")
        assert first["logged"] is False
        assert "wandb sync" in first["logged_why"]
        assert not any("asr" in told.summary for told in server.runs.values())
    (whole,) = read_offline(tmp_path)  # all of it is on the disk
    assert whole.summary["asr"] == first["asr"]


def test_online_run_arrives_in_full(run: Run, tmp_path: Path) -> None:
    with Server() as server:
        done = run(tmp_path, "logger.mode=online", "sweep_name=grid", **server.environment)
        assert done.code == 0, done.err
        result = read(tmp_path, "result.json")
        assert (result["logged"], result["logged_why"]) == (True, None)
        (told,) = server.runs.values()
    assert (told.exit_code, told.group, told.config["attack"]) == (0, "grid", "param_dot")
    assert told.summary["asr"] == result["asr"]
    assert [row["unlearned/epoch"] for row in told.rows if "unlearned/epoch" in row] == [1, 2]


def test_unreachable_at_the_start_leaves_a_result_that_says_so(run: Run, tmp_path: Path) -> None:
    words = ["logger.mode=online", "logger.init_timeout=1"]
    done = run(tmp_path, *words, WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY=KEY)
    assert done.code == 0, done.err
    assert done.err.count("W&B cannot be reached: Timed out") == 1
    first = read(tmp_path, "result.json")
    assert first["asr"] is not None
    assert first["logged"] is False
    assert first["logged_why"].startswith("W&B cannot be reached")
    assert read(tmp_path, "status.json")["status"] == "done"

    with Server() as server:
        assert run(tmp_path, *words, **server.environment).code == 0
        (told,) = server.runs.values()
    second = read(tmp_path, "result.json")
    assert second["logged"] is True
    assert told.summary["asr"] == first["asr"] == second["asr"]


def test_without_a_key_online_is_refused_before_training(run: Run, tmp_path: Path) -> None:
    words = ["logger.mode=online", "logger.init_timeout=1"]
    done = run(tmp_path, *words, WANDB_BASE_URL="http://127.0.0.1:9", WANDB_API_KEY="")
    assert done.code == 1
    assert "WANDB_MODE=offline" in done.err
    assert "Traceback" not in done.err
    assert read(tmp_path, "status.json")["status"] == "failed"
    assert not list((tmp_path / "store").glob("original/*"))

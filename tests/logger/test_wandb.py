import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.commandline import Finished, WarmPython
from tests.logger.account import forget_account
from tests.logger.offline import OfflineRun, read_offline
from tests.logger.test_none import logger_from, whole_run
from unlearnleak.errors import UserError
from unlearnleak.logger.wandb import WandbLogger
from unlearnleak.tracking.wandb_service import settings


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_account(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[OfflineRun, OfflineRun]:
    """A failed run and a good one, made by one process."""
    directory = tmp_path_factory.mktemp("runs")
    logger = logger_from("wandb", mode="offline", project="leaks")
    whole_run(logger, directory / "a", exit_code=3, seed=0)
    whole_run(logger, directory / "b", exit_code=0, seed=1)
    (first,), (second,) = read_offline(directory / "a"), read_offline(directory / "b")
    return first, second


def test_names_config_and_exit_codes(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    for seed, (run, exit_code) in enumerate(zip(two_runs, (3, 0), strict=True)):
        assert (run.name, run.group, run.job_type) == (f"digits-rt-{seed}", "single_class", "param_dot")
        assert run.project == "leaks"
        assert run.tags == ["digits", "none"]
        unlearner = {"_target_": "acme.leaks.rt.B", "lr": 0.1, "goal": None}
        words = {"unlearner": "rt", "unlearner_settings": unlearner}
        assert run.config == words | {"forget": [3, 5], "seed": seed}
        assert run.exit_code == exit_code


def test_curves_have_their_own_step(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    for seed, run in enumerate(two_runs):
        draw = np.random.default_rng(seed)
        for model in ("original", "unlearned"):
            losses = draw.random(3)
            expected = [{"epoch": e, "train_loss": losses[e - 1], "test_acc": 0.5} for e in (1, 2, 3)]
            assert run.curve(model) == expected
            assert run.metrics[f"{model}/*"]["step_metric"] == f"{model}/epoch"
        assert run.curve("defended") == []


def test_table(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    columns, rows = two_runs[0].table("scores")
    assert columns == ["class", "score", "forgotten"]
    assert rows == [[0, 0.25, True], [1, None, False]]


def test_histograms_share_their_bins(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    draw = np.random.default_rng(0)
    draw.random(6)
    sample = draw.normal(size=50)
    counts, edges = np.histogram(np.append(sample, 1.0), bins=64)
    one = np.histogram([1.0], bins=edges)[0]
    for group, expected in {"0": counts - one, "1": one, "2": 0 * one}.items():
        bins, values = two_runs[0].histogram(f"dot/{group}")
        np.testing.assert_allclose(bins, edges, rtol=1e-12)
        np.testing.assert_array_equal(values, expected)


def test_images_keep_every_bit(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    draw = np.random.default_rng(0)
    draw.random(6)
    draw.normal(size=50)
    grey = draw.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    grey[2] = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2
    shown = two_runs[0].images("inverted")
    assert [caption for caption, _ in shown] == ["class 0", "class 1", "class 2"]
    np.testing.assert_array_equal([pixels for _, pixels in shown], grey[:, 0])
    colour = draw.integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
    shown = two_runs[0].images("inverted_rgb")
    np.testing.assert_array_equal([pixels for _, pixels in shown], colour.transpose(0, 2, 3, 1))


def test_summary_has_the_keys_of_the_result(two_runs: tuple[OfflineRun, OfflineRun]) -> None:
    for run in two_runs:
        seconds = {"original": 1.5, "rt": None}
        expected = {"asr": 0.9, "auroc": None, "exact_match": True, "gate": "passed", "seconds": seconds}
        assert run.summary == expected
        assert set(run.media) == {"scores", "dot/0", "dot/1", "dot/2", "inverted", "inverted_rgb"}


def test_same_calls_same_rows(two_runs: tuple[OfflineRun, OfflineRun], tmp_path: Path) -> None:
    whole_run(logger_from("wandb", mode="offline"), tmp_path, exit_code=0, seed=1)
    (again,) = read_offline(tmp_path)
    for run in (again, two_runs[1]):  # a table's artifact has a random identity, and there is one in each run
        for row in run.rows:
            if "scores" in row:
                del row["scores"]["artifact_path"], row["scores"]["_latest_artifact_path"]
    assert again.rows == two_runs[1].rows
    assert again.summary == two_runs[1].summary


def test_two_open_runs_do_not_mix(tmp_path: Path) -> None:
    loggers = {name: logger_from("wandb", mode="offline") for name in ("a", "b")}
    for name, logger in loggers.items():
        logger.start(directory=tmp_path / name, name=name, config={}, group="g", job_type="j", tags=[])
    for name, logger in loggers.items():
        logger.curve(name, [{"epoch": 1, "train_loss": 0.5}])
    for logger in loggers.values():
        logger.finish(exit_code=0)
    assert {run.name: run.rows for run in read_offline(tmp_path)} == {
        "a": [{"a/epoch": 1, "a/train_loss": 0.5}],
        "b": [{"b/epoch": 1, "b/train_loss": 0.5}],
    }


def test_names_that_the_server_would_refuse_are_cut(tmp_path: Path) -> None:
    logger = logger_from("wandb", mode="offline")
    logger.start(
        directory=tmp_path,
        name="n" * 300,
        config={},
        group="g" * 300,
        job_type="j" * 300,
        tags=["t" * 300, ""],
    )
    logger.finish(exit_code=0)
    (run,) = read_offline(tmp_path)
    assert (len(run.name), len(run.group), len(run.job_type), [len(tag) for tag in run.tags]) == (
        128,
        128,
        64,
        [64],
    )


def test_every_setting_is_known_to_the_installed_version() -> None:
    logger = logger_from("wandb", mode="offline")
    assert isinstance(logger, WandbLogger)
    made = settings(**logger.limits)
    assert made.x_transaction_log_flush_interval == 0.1
    assert made.x_save_requirements is False


def in_a_process(python: WarmPython, body: str, directory: Path, **more: str) -> Finished:
    program = f"""
import logging, os, signal, subprocess, sys, time
from pathlib import Path
from tests.logger.offline import read_offline
from tests.logger.test_none import logger_from, whole_run
logging.basicConfig(level=logging.INFO)
directory = Path({str(directory)!r})
logger = logger_from("wandb")
def start(name="run"):
    logger.start(directory=directory / name, name=name, config={{}}, group="g", job_type="j", tags=[])
def services():
    command = ["ps", "-o", "stat=,pid=,comm=", "--ppid", str(os.getpid())]
    children = [line.split() for line in subprocess.check_output(command, text=True).splitlines()]
    return [int(pid) for state, pid, command, *_ in children if command == "wandb-core" and state[0] != "Z"]
def kill_service(number):
    (service,) = services()
    os.kill(service, number)
    while services():
        time.sleep(0.05)
def wait_for_rows(name, count):  # until W&B's service has written them
    while sum(path.read_bytes().count(name) for path in directory.rglob("*.wandb")) < count:
        time.sleep(0.05)
{body}
"""
    env = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}  # a service of its own
    return python("-c", program, env=env | more)


def test_offline_prints_nothing_and_needs_no_home(python: WarmPython, tmp_path: Path) -> None:
    done = in_a_process(python, "whole_run(logger, directory)", tmp_path / "made", HOME="/dev/null", NETRC="/dev/null")
    assert (done.code, done.out) == (0, "")
    assert done.err == "WARNING:unlearnleak.logger.wandb:dot: 1 values are not finite and missing from the histograms\n"
    assert len(list((tmp_path / "made" / "wandb").glob("offline-run-*/run-*.wandb"))) == 1


def test_killed_run_keeps_the_rows_it_logged(python: WarmPython, tmp_path: Path) -> None:
    body = """
start()
logger.curve("original", [{"epoch": e, "train_loss": 1 / e} for e in range(1, 51)])
wait_for_rows(b"original/train_loss", 50)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert in_a_process(python, body, tmp_path).code == -signal.SIGKILL
    (run,) = read_offline(tmp_path)
    assert run.curve("original") == [{"epoch": e, "train_loss": 1 / e} for e in range(1, 51)]
    assert run.exit_code is None


def test_service_killed_by_sigterm_does_not_hide_the_reason_nor_spoil_the_next_run(
    python: WarmPython, tmp_path: Path
) -> None:
    body = """
start("first")
logger.summary({"asr": 0.5})
wait_for_rows(b"asr", 1)
try:
    kill_service(signal.SIGTERM)
    sys.exit(143)
except SystemExit as reason:
    logger.finish(exit_code=143)
    print(reason.code)
start("second")
logger.summary({"asr": 1.0})
logger.finish(exit_code=0)
while [run.exit_code for run in read_offline(directory / "second")] != [0]:  # written a moment later
    time.sleep(0.05)
kill_service(signal.SIGKILL)
start("third")
logger.finish(exit_code=0)
"""
    done = in_a_process(python, body, tmp_path, WANDB_SERVICE="3-1-unix-/gone")  # that of a parent which is no more
    assert (done.code, done.out) == (0, "143\n"), done.err
    assert done.err.count("W&B's service has died (") == 1
    assert done.err.count("W&B's service does not answer") == 2
    assert "Traceback" not in done.err
    told = {path.name: [(run.summary, run.exit_code) for run in read_offline(path)] for path in tmp_path.iterdir()}
    assert told == {"first": [({"asr": 0.5}, None)], "second": [({"asr": 1.0}, 0)], "third": [({}, 0)]}


@pytest.mark.parametrize("mode", ["", "ofline", None])
def test_unknown_mode(mode: str) -> None:
    with pytest.raises(UserError, match=r"none of offline, online, disabled.*WANDB_MODE=offline"):
        WandbLogger(project="p", entity=None, mode=mode, bins=8, flush_seconds=1, init_timeout=1, finish_timeout=1)


def test_mistakes_are_refused_soon_and_a_server_that_is_not_there_costs_one_try(
    python: WarmPython, tmp_path: Path
) -> None:
    body = """
import wandb
init, tried = wandb.init, []
def counted(**what):
    tried.append(what["mode"])
    return init(**what)
wandb.init = counted
for project, key in [("p", ""), ("p", "short"), ("p", 40 * "a"), ("p", 40 * "a"), ("a:b", 40 * "a")]:
    os.environ["WANDB_API_KEY"] = key
    logger = logger_from("wandb", mode="online", init_timeout=1, project=project)
    tried.clear()
    before = time.monotonic()
    try:
        start()
        logger.summary({"asr": 1.0})
        logger.table("t", ["a"], [[1]])
        logger.histogram("h", {"g": [1.0, 2.0]})
        logger.curve("c", [{"epoch": 1, "loss": 0.5}])
    except Exception as error:
        print(type(error).__name__, error)
    print("broken", logger.broken, "after", "a try" if "online" in tried else "a moment")
    assert time.monotonic() - before < 60
    logger.finish(exit_code=1)
"""
    done = in_a_process(python, body, tmp_path, WANDB_BASE_URL="http://127.0.0.1:9", WANDB_MODE="offline")
    assert done.out.startswith("UserError logger.mode=online needs an API key: run `wandb login`"), done.err
    assert "UserError logger.mode=online is not possible: WANDB_API_KEY invalid" in done.out
    assert "UserError W&B does not start: Invalid project name 'a:b'" in done.out
    assert done.out.count("Set WANDB_MODE=offline") == 3
    first, second = [line for line in done.out.splitlines() if "cannot be reached" in line]
    assert re.match(r"broken W&B cannot be reached: Timed out.* after a try", first)
    assert second == first.replace("a try", "a moment")
    assert done.err.count("The result is kept") == 2
    assert done.code == 0, done.err

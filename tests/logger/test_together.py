"""Runs of a sweep: many in one process, and in processes that start and finish at once; none is lost or mixed."""

import json
from pathlib import Path

import numpy as np

from tests.commandline import WarmPython
from tests.logger.account import without_wandb
from tests.logger.offline import read_offline
from tests.logger.real import run_small


def test_a_sweep_in_one_process(tmp_path: Path) -> None:
    """Real jobs: each W&B run tells what its own result.json tells, under its sweep, attack and words."""
    jobs = {name: ("sweep_name=grid", f"attack={name}") for name in ("param_dot", "head_sum", "noise_prior")}
    for name, words in jobs.items():
        run_small(tmp_path, *words, name=name, sweep=True)
    runs = read_offline(tmp_path)
    assert len({run.id for run in runs}) == len(runs) == 3
    for run in runs:
        result = json.loads((run.file.parents[2] / "result.json").read_text())
        words = [result[group] for group in ("dataset", "model", "unlearner", "attack", "screening")]
        assert (run.name, run.group, run.job_type) == (result["attack"], "grid", result["attack"])
        assert sorted(run.tags) == sorted(words)
        assert [run.config[group] for group in ("dataset", "model", "unlearner", "attack", "screening")] == words
        assert (run.config["seed"], run.config["forget_classes"]) == (0, result["forget_classes"])
        logged = {key: value for key, value in result.items() if key not in ("logged", "logged_why", "digest")}
        assert run.summary == json.loads(json.dumps(logged))
        assert run.exit_code == 0


def test_processes_that_start_and_finish_at_once(python: WarmPython, tmp_path: Path) -> None:
    """Three processes with two runs each; each file holds the rows that were drawn for its run, and no other."""
    program = f"""
import sys
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
from tests.patience import wait_until
logger = logger_from("wandb", mode="offline")
wait_until(Path({str(tmp_path / "go")!r}).exists)
for seed in map(int, sys.argv[1:]):
    whole_run(logger, Path({str(tmp_path)!r}) / str(seed), exit_code=seed, seed=seed)
"""
    seeds = [("0", "1"), ("2", "3"), ("4", "5")]
    processes = [python.start("-c", program, *pair, env=without_wandb()) for pair in seeds]
    (tmp_path / "go").touch()
    assert [process.wait().code for process in processes] == [0, 0, 0]
    runs = read_offline(tmp_path)
    assert len({run.id for run in runs}) == 6
    for run in runs:
        seed = int(run.file.parents[2].name)
        assert (run.name, run.exit_code, run.config["seed"]) == (f"digits-rt-{seed}", seed, seed)
        draw = np.random.default_rng(seed)
        for name in ("original", "unlearned"):
            assert [row["train_loss"] for row in run.curve(name)] == draw.random(3).tolist()
        assert run.summary["asr"] == 0.9


def test_an_agents_run_has_the_agents_id(python: WarmPython, tmp_path: Path) -> None:
    """As `wandb agent` starts it: a process of its own, told by its environment. A second job in it is refused."""
    parameters = tmp_path / "config.yaml"
    parameters.write_text("wandb_version: 1\nseed:\n  value: 7\n")
    program = f"""
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
for name in ("first", "second"):
    whole_run(logger_from("wandb", mode="offline"), Path({str(tmp_path)!r}) / name, seed=7)
"""
    env = {"WANDB_SWEEP_ID": "sweep123", "WANDB_RUN_ID": "agents1", "WANDB_PROJECT": "leaks"}
    env |= {"WANDB_SWEEP_PARAM_PATH": str(parameters)}
    done = python("-c", program, env=without_wandb() | env)
    assert "UserError: WANDB_RUN_ID=agents1 names one run" in done.err
    (run,) = read_offline(tmp_path)
    assert (run.id, run.sweep, run.project, run.exit_code) == ("agents1", "sweep123", "leaks", 0)
    assert (run.config["seed"], run.config["unlearner"]) == (7, "rt")

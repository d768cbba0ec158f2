"""Runs of a sweep: many in one process, and in processes that start and finish at once; none is lost or mixed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.logger.offline import read_offline
from tests.logger.real import run_small
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


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


def test_processes_that_start_and_finish_at_once(tmp_path: Path) -> None:
    """Three processes with two runs each; each file holds the rows that were drawn for its run, and no other."""
    program = f"""
import sys
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
logger = logger_from("wandb", mode="offline")
sys.stdin.readline()
for seed in map(int, sys.argv[1:]):
    whole_run(logger, Path({str(tmp_path)!r}) / str(seed), exit_code=seed, seed=seed)
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    start = [sys.executable, "-c", program]
    seeds = [("0", "1"), ("2", "3"), ("4", "5")]
    processes = [subprocess.Popen([*start, *pair], cwd=ROOT, env=env, stdin=subprocess.PIPE) for pair in seeds]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=PATIENCE)
    runs = read_offline(tmp_path)
    assert len({run.id for run in runs}) == 6
    for run in runs:
        seed = int(run.file.parents[2].name)
        assert (run.name, run.exit_code, run.config["seed"]) == (f"digits-rt-{seed}", seed, seed)
        draw = np.random.default_rng(seed)
        for name in ("original", "unlearned"):
            assert [row["train_loss"] for row in run.curve(name)] == draw.random(3).tolist()
        assert run.summary["asr"] == 0.9


def test_an_agents_run_has_the_agents_id(tmp_path: Path) -> None:
    """As `wandb agent` starts it: a process of its own, told by its environment. A second job in it is refused."""
    parameters = tmp_path / "config.yaml"
    parameters.write_text("wandb_version: 1\nseed:\n  value: 7\n")
    program = f"""
from pathlib import Path
from tests.logger.test_none import logger_from, whole_run
for name in ("first", "second"):
    whole_run(logger_from("wandb", mode="offline"), Path({str(tmp_path)!r}) / name, seed=7)
"""
    env = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    env |= {"WANDB_SWEEP_ID": "sweep123", "WANDB_RUN_ID": "agents1", "WANDB_PROJECT": "leaks"}
    env |= {"WANDB_SWEEP_PARAM_PATH": str(parameters)}
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert "UserError: WANDB_RUN_ID=agents1 names one run" in done.stderr
    (run,) = read_offline(tmp_path)
    assert (run.id, run.sweep, run.project, run.exit_code) == ("agents1", "sweep123", "leaks", 0)
    assert (run.config["seed"], run.config["unlearner"]) == (7, "rt")

"""sweeps/wandb/*.yml, as W&B's own agent expands them."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args, load_sweep_config

from tests.jobs import composed, overrides_in
from tests.logger.server import Server
from tests.patience import PATIENCE
from unlearnleak.config.build import component_name
from unlearnleak.pipeline.plan import make_plan

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "sweeps" / "wandb").glob("*.yml"))
assert FILES
TOP = {"name", "project", "program", "command", "method", "metric", "parameters"}


def grid(config: dict[str, Any]) -> list[dict[str, Any]]:
    """What the server would hand to agents, cell by cell."""
    choices = {name: item.get("values", [item.get("value")]) for name, item in config["parameters"].items()}
    cells = itertools.product(*choices.values())
    return [{name: {"value": value} for name, value in zip(choices, cell, strict=True)} for cell in cells]


def command_line(config: dict[str, Any], args: dict[str, Any]) -> list[str]:
    """What an agent would start; the loop over macros is W&B's `Agent._command_run`."""
    macros = create_sweep_command_args({"args": args})
    macros |= {"env": ["/usr/bin/env"], "interpreter": [sys.executable], "program": [config["program"]]}
    words: list[str] = []
    for chunk in create_sweep_command(list(config["command"])):
        words += macros[chunk[2:-1]] if chunk.startswith("${") else [chunk]
    return words


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded = load_sweep_config(str(request.param))
    assert loaded is not None
    return loaded


def test_has_the_keys_that_a_sweep_has(config: dict[str, Any]) -> None:
    assert config.keys() <= TOP
    assert config["method"] in ("grid", "random", "bayes")
    assert config["metric"]["goal"] in ("maximize", "minimize")
    assert all(item.keys() in ({"value"}, {"values"}) for item in config["parameters"].values())


def covering(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Few cells in which every value occurs, and every unlearner with every attack."""
    seen: set[tuple[str, str, str, str]] = set()
    chosen = []
    for args in cells:
        words = {name: str(item["value"]) for name, item in args.items()}
        pairs = {("unlearner", words["unlearner"], "attack", words["attack"])}
        pairs |= {(name, value, "", "") for name, value in words.items()}
        if pairs - seen:
            chosen.append(args)
            seen |= pairs
    return chosen


def test_every_choice_is_a_job_that_can_be_planned(config: dict[str, Any]) -> None:
    """Through the whole of our configuration: names, values, and what fits together."""
    cells = grid(config)
    assert len(cells) == 144
    chosen = covering(cells)
    assert len(chosen) < 30
    for args in chosen:
        *start, program, _ = command_line(config, args)[:5]
        assert (start, program) == (["/usr/bin/env", sys.executable, "-m"], "unlearnleak.run")
        job = composed(*command_line(config, args)[4:])
        plan = make_plan(job)
        for group in ("dataset", "unlearner", "attack"):
            assert component_name(job[group]) == plan.names[group] == args[group]["value"]
        assert job.seed == args["seed"]["value"]
        assert job.logger.mode == "online"


def test_command_line_is_understood(config: dict[str, Any]) -> None:
    """As a process, and as the shell-less words that they are: a list of classes is no pattern."""
    words = command_line(config, grid(config)[-1])
    done = subprocess.run(
        [*words, "--cfg", "job"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    shown = yaml.safe_load(done.stdout)
    assert (shown["forget_classes"], shown["seed"], shown["sweep_name"]) == ("draw:3", 1, "wandb_grid")


@pytest.mark.slow
def test_an_agent_runs_it(tmp_path: Path) -> None:
    """W&B's own agent, told by a server of ours to run one cell, which further words make small."""
    config = load_sweep_config(str(FILES[0]))
    assert config is not None
    cell = next(args for args in grid(config) if args["unlearner"]["value"] == "ft")
    named = {name: item["value"] for name, item in cell.items()} | {"dataset": "npz", "forget_classes": "[1]"}
    small = overrides_in(tmp_path, *(f"{name}={value}" for name, value in named.items()))
    words = dict(word.split("=", 1) for word in small if not word.startswith("logger="))
    args = {name: {"value": value} for name, value in words.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # an agent says just "python"
    with Server() as server:
        server.sweep_config = json.dumps(config)  # JSON is YAML
        server.commands = [{"type": "run", "run_id": "agents1", "args": args, "program": config["program"]}]
        env = kept | server.environment | {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT)}
        agent = [sys.executable, "-m", "wandb", "agent", "--count", "1", "team/leaks/sweep123"]
        done = subprocess.run(
            agent, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=2 * PATIENCE
        )
        assert done.returncode == 0, done.stderr
        assert server.runs.keys() == {"agents1"}, done.stderr
        told = server.runs["agents1"]
    assert (told.exit_code, told.sweep, told.project, told.group) == (0, "sweep123", "leaks", "wandb_grid")
    assert (told.config["unlearner"], told.config["attack"]) == ("ft", "param_dot")
    (result,) = (tmp_path / "runs" / "wandb_grid").glob("*/result.json")
    assert told.summary["asr"] == json.loads(result.read_text())["asr"]

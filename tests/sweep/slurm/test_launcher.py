"""What the SLURM launcher decides before it submits anything; no cluster needed."""

import os
import sys

import pytest
from omegaconf import OmegaConf
from submitit.slurm.slurm import _make_sbatch_string

from hydra_plugins.unlearnleak.slurm import SlurmLauncher
from unlearnleak.config.folder import config_folder
from unlearnleak.errors import UserError
from unlearnleak.sweep.slurm import queue as slurm_queue
from unlearnleak.sweep.slurm.launcher import Sizes, launch
from unlearnleak.sweep.slurm.submit import make_executor, outside_a_job


def conf(**changed):
    """The settings of conf/hydra/launcher/slurm.yaml, some changed."""
    values = OmegaConf.to_container(OmegaConf.load(f"{config_folder()}/hydra/launcher/slurm.yaml"))
    values.pop("_target_")
    return values | changed


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A PATH with SLURM's commands, none of which works."""
    for name in ("sbatch", "squeue", "scancel", "srun"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def sbatch_lines(tmp_path, **changed):
    settings = {key: conf(**changed)[key] for key in conf(**changed) if key not in OURS}
    executor = make_executor(settings, tmp_path, "u-1")
    text = _make_sbatch_string("run", tmp_path, **executor._executor.parameters)
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.strip()]


OURS = ("interval_s", "grace_s", "silence_min", "held_min", "max_array_size")


def test_the_settings_reach_sbatch_and_nulls_do_not(commands, tmp_path):
    lines = sbatch_lines(tmp_path, partition="gpu", setup=["module load cuda"])
    assert {"--partition=gpu", "--requeue", "--gpus-per-node=1", "--mem=16GB", "--time=240"} <= set(lines)
    assert {"--signal=USR2@120", "--job-name=u-1", "--cpus-per-task=4", "module load cuda"} <= set(lines)
    assert not [
        line for line in lines if line.startswith(("--account", "--qos", "--constraint", "--exclude", "--gres"))
    ]
    (srun,) = [line for line in lines if line.startswith("srun")]
    assert "--cpus-per-task=4" in srun


def test_other_options_of_sbatch_stand_beside_requeue(commands, tmp_path):
    lines = sbatch_lines(tmp_path, additional_parameters={"mail-user": "me@example.org"})
    assert {"--requeue", "--mail-user=me@example.org"} <= set(lines)


@pytest.mark.parametrize(("name", "value"), [("mem_gb", "lots"), ("partitions", "gpu"), ("timeout_min", 1.5)])
def test_a_setting_that_cannot_be_is_named(commands, tmp_path, name, value):
    with pytest.raises(UserError, match=name):
        sbatch_lines(tmp_path, **{name: value})


@pytest.mark.parametrize(("limit", "own", "expected"), [
    (1001, None, [1001, 1001, 498]),
    (1001, 1000, [1000, 1000, 500]),
    (10000, None, [2500]),
    (1001, 5000, [1001, 1001, 498]),
])  # fmt: skip
def test_jobs_are_divided_among_arrays_that_the_cluster_takes(monkeypatch, limit, own, expected):
    monkeypatch.setattr(slurm_queue, "array_limit", lambda: limit)
    arrays = Sizes(array_parallelism=4, max_array_size=own).arrays(range(2500))
    assert [len(array) for array in arrays] == expected
    assert [index for array in arrays for index in array] == list(range(2500))
    assert Sizes(array_parallelism=4, max_array_size=own).arrays([]) == []


def test_no_jobs_need_no_cluster(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert launch(conf(), {}, [], 0) == []


def test_without_slurm_the_way_out_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="needs sbatch, squeue, scancel, srun on the PATH"):
        launch(conf(), {}, [["x=1"]], 0)


@pytest.mark.parametrize(("name", "value"), [
    ("array_parallelism", 0),
    ("array_parallelism", "many"),
    ("max_array_size", 0),
    ("interval_s", 0.0),
    ("grace_s", "long"),
])  # fmt: skip
def test_wrong_numbers_are_named_before_anything_is_submitted(commands, name, value):
    with pytest.raises(UserError, match=f"hydra.launcher.{name}="):
        launch(conf(**{name: value}), {}, [["x=1"]], 0)


@pytest.mark.parametrize("package", ["submitit", "hydra_plugins.hydra_submitit_launcher"])
def test_without_the_extra_the_way_out_is_told(monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("unlearnleak.sweep.slurm.", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"pip install 'unlearnleak\[slurm\]'"):
        SlurmLauncher(**conf()).launch([["x=1"]], 0)


def test_the_progress_line_learns_how_many_jobs_run_at_once():
    assert SlurmLauncher(**conf(array_parallelism=9)).slots == 9


def test_inside_a_job_sbatch_sees_the_cluster_but_not_the_job(monkeypatch):
    inherited = {"SLURM_JOB_ID": "5", "SLURM_MEM_PER_NODE": "100", "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "me"}
    for name, value in inherited.items():
        monkeypatch.setenv(name, value)
    with outside_a_job():
        seen = {name: os.environ.get(name) for name in inherited}
    assert seen == {"SLURM_JOB_ID": None, "SLURM_MEM_PER_NODE": None, "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "me"}
    assert {name: os.environ.get(name) for name in inherited} == inherited
    monkeypatch.delenv("SLURM_JOB_ID")
    with outside_a_job():
        assert os.environ["SLURM_MEM_PER_NODE"] == "100"  # the user's own wish, outside a job

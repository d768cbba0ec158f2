"""Sweeps on GPUs through the command line: several jobs on one, kills, too little memory, two GPUs."""

import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from tests.jobs import images, pipeline_in, write_npz
from tests.patience import wait_until
from tests.sweep.shell import install_trap
from unlearnleak.errors import GpuFull
from unlearnleak.runs.status import read_json
from unlearnleak.sweep.pool import mps

pytestmark = [pytest.mark.gpu, pytest.mark.slow, pytest.mark.timeout(300)]
SMALL = ["dataset=npz", "logger=none", "runtime.device=cuda", "dataset.auxiliary_per_class=6", "training.batch_size=16"]
GRID = ["unlearner=rt,ft,rl", "forget_classes=[0],[1]", "attack=head_sum,noise_prior", "screening=threshold"]
GRID += ["training.epochs=2"]
JOBS = 12


def command(folder: Path, *words: str) -> list[str]:
    path = folder / "images.npz"
    if not path.exists():
        write_npz(path)
    place = [f"dataset.path={path}", f"store={folder / 'store'}", f"runs={folder / 'runs'}"]
    return [sys.executable, "-m", "unlearnleak.run", "-m", *SMALL, *place, *words]


def run(folder: Path, *words: str, code: int = 0, **environment: str) -> str:
    """What a sweep said."""
    done = subprocess.run(
        command(folder, *words), cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def verdicts(folder: Path) -> dict[str, list[int]]:
    """Of every result, by its run's name without the digest of the whole config."""
    paths = (folder / "runs").rglob("result.json")
    return {path.parent.name.rpartition("-")[0]: json.loads(path.read_text())["verdict"] for path in paths}


def test_several_jobs_on_a_gpu_find_what_one_after_the_other_does(tmp_path):
    found = {}
    for number in (1, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        run(folder, *GRID, f"hydra.launcher.jobs_per_gpu={number}")
        found[number] = verdicts(folder)
    assert found[1].keys() == found[3].keys()
    assert len(found[1]) == JOBS
    same = [job for job in found[1] if found[1][job] == found[3][job]]
    assert len(same) >= JOBS - 2  # a GPU's sums differ from run to run


@pytest.mark.parametrize("settings", [["jobs_per_gpu=3", "mps=false"], ["jobs_per_gpu=auto"]])
def test_several_jobs_share_a_gpu_with_mps_or_by_turns(tmp_path, settings):
    said = run(tmp_path, *GRID, *(f"hydra.launcher.{setting}" for setting in settings))
    assert len(verdicts(tmp_path)) == JOBS
    known = [words for words in ("MPS was started", "MPS was not started", "the MPS that is in use") if words in said]
    assert len(known) == ("mps=false" not in settings), said
    assert ("jobs at once" in said) == (settings == ["jobs_per_gpu=auto"]), said


def test_mps_ends_with_the_sweep_and_with_a_killed_one(tmp_path):
    if not shutil.which(mps.CONTROL):
        pytest.skip(f"{mps.CONTROL} is not there")
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as own:  # a socket's path is short

        def services() -> list[Path]:
            return list(Path(own).glob("unlearnleak-mps-*/start.log"))

        words = ["until=original", "seed=0,1", "attack=head_sum", "hydra.launcher.jobs_per_gpu=2"]
        said = run(tmp_path, *words, TMPDIR=own)
        if "MPS was started" not in said:
            pytest.skip(f"MPS cannot be started here: {said}")
        wait_until(lambda: not services(), "the end of MPS")
        line = command(tmp_path, *words, "seed=2,3", "training.epochs=100000")
        with subprocess.Popen(line, cwd=tmp_path, env=os.environ | {"TMPDIR": own}, start_new_session=True) as launcher:
            wait_until(services, "MPS")
            launcher.kill()
        wait_until(lambda: not services(), "the end of MPS after its launcher was killed")


def test_a_training_that_was_killed_goes_on_from_its_checkpoint(tmp_path):
    write_npz(tmp_path / "images.npz", **images(train=400))
    words = ["training.epochs=400", "runtime.checkpoint_seconds=0.2", "unlearner=rt", "attack=head_sum"]
    words += ["screening=threshold", "until=original"]
    with subprocess.Popen(command(tmp_path, *words), cwd=tmp_path, start_new_session=True) as launcher:
        wait_until(lambda: list((tmp_path / "store").rglob("*.ckpt")), "a checkpoint")
        os.killpg(launcher.pid, signal.SIGKILL)
    run(tmp_path, *words)
    (meta,) = [read_json(path) for path in (tmp_path / "store" / "original").rglob("meta.json")]
    assert meta["resumed_from_epoch"] > 0
    assert not list((tmp_path / "store").rglob("*.ckpt"))


@pytest.mark.parametrize("settings", ["jobs_per_gpu=1", "jobs_per_gpu=2"])
def test_a_job_that_does_not_fit_fails_in_one_line_and_the_others_are_done(tmp_path, settings):
    trap = ["attack=head_sum", "attack._target_=trap.attack.Trap", "+attack.bait=a,fill,b,c", "unlearner=none"]
    words = [*trap, "training.epochs=1", f"hydra.launcher.{settings}"]
    said = run(tmp_path, *words, code=1, COLUMNS="400", **install_trap(tmp_path / "site"))
    assert "1 of 4 jobs failed" in said
    assert "GpuFull: The GPU has not enough memory for the stage evidence (4096.00 GiB more were asked for, and" in said
    assert "hydra.launcher.jobs_per_gpu" in said
    assert len(list((tmp_path / "runs").rglob("result.json"))) == 3


def test_too_little_memory_is_told_with_the_bytes_and_what_takes_less(tmp_path):
    write_npz(tmp_path / "images.npz", **images(side=64))
    pipeline = pipeline_in(tmp_path, "attack=inversion_gradient", "attack.restarts=128", "runtime.device=cuda")
    pipeline.artifact("unlearned")
    gc.collect()
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**20) / whole)
    try:
        with pytest.raises(GpuFull, match=r"^The GPU has not enough memory for the stage evidence \(.*attack\.chunk"):
            pipeline.artifact("evidence")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert pipeline.artifact("evidence").tensors


def test_two_gpus_share_the_jobs(tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip(f"{torch.cuda.device_count()} GPU here, and two are needed")
    trap = ["attack=head_sum", "attack._target_=trap.attack.Trap", "unlearner=none", "training.epochs=1"]
    baits = f"+attack.bait={','.join(f'say{number}' for number in range(JOBS))}"
    run(tmp_path, *trap, baits, "hydra.launcher.jobs_per_gpu=1", **install_trap(tmp_path / "site"))
    told = "".join(path.read_text() for path in (tmp_path / "runs").rglob("worker-*.log"))
    asked = re.findall(r"^asked on GPU (\S+)$", told, re.MULTILINE)
    assert len(asked) == JOBS
    assert len(set(asked)) == torch.cuda.device_count()


def test_by_auto_a_long_wave_of_short_jobs_tries_half_as_many_at_once(tmp_path):
    """On four cores, so at most four at once: a trial needs 8 times 6 jobs that wait."""
    few = sorted(os.sched_getaffinity(0))[:4]
    if len(few) < 2:
        pytest.skip("one core here, so that no two jobs share a GPU, and two are needed")
    words = [f"seed={','.join(map(str, range(80)))}", "until=original", "attack=head_sum", "training.epochs=1"]
    words += ["hydra.launcher.gpus=[0]", "hydra.launcher.jobs_per_gpu=auto"]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, few)  # of the sweep, which inherits it
    try:
        said = run(tmp_path, *words)
    finally:
        os.sched_setaffinity(0, before)
    trial = re.search(r"GPU \S+: (\d) at once ended .* jobs a second, (\d) .*; it takes (\d) from here", said)
    assert trial, said
    most, half, best = map(int, trial.groups())
    assert (half, best in (most, half)) == (most // 2, True)
    assert len(list((tmp_path / "store" / "original").rglob("meta.json"))) == 80

"""The SLURM launcher on a real cluster, with the faults that clusters have.

Time limits are noticed only after half a minute and more, so the jobs that suffer them are started before the first
test and asked about at the end.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs import overrides_in
from tests.sweep.slurm_cluster import Master, queued, release, scontrol, until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def started_early(request):
    """Start what takes long, where a test that was chosen asks for it."""
    for name in ("timed_out", "real"):
        if any(name in item.fixturenames for item in request.session.items if item.module is request.module):
            request.getfixturevalue(name)


@pytest.fixture(scope="module")
def timed_out(slurm, tmp_path_factory):
    """A job that needs more than its time at the first attempt, and one that does so every time.

    SLURM looks at limits every half minute and tells a job up to that much early: 30 to 60 s after its start here,
    when a slow machine has started it at last, and long before it is killed.
    """
    settings = [*slurm.on("n2"), "hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=60"]
    once = Master(tmp_path_factory.mktemp("once"), "slow=hangs_at_first other=done", *settings)
    never = Master(tmp_path_factory.mktemp("never"), "a=hangs_at_first", *settings, "hydra.launcher.max_num_timeout=0")
    yield once, never
    for master in (once, never):
        master.process.terminate()


def sweep(folder: Path, *words: str) -> tuple[list[str], subprocess.Popen]:
    """A sweep of small jobs, as people start it: its command and its process."""
    words = [*overrides_in(folder, *words, "attack=head_sum"), "hydra/launcher=slurm"]
    settings = ["gpus_per_node=null", "cpus_per_task=1", "mem_gb=1", "interval_s=1"]
    words += [f"hydra.launcher.{setting}" for setting in settings]
    command = [sys.executable, "-m", "unlearnleak.run", "-m", *words]
    with (folder / "log").open("w") as log:
        return command, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


@pytest.fixture(scope="module")
def real(slurm, tmp_path_factory):
    """A sweep of two real jobs in four waves."""
    folder = tmp_path_factory.mktemp("real")
    command, process = sweep(folder, "unlearner=rl", "forget_classes=[0],[1]", *slurm.on("n2"))
    yield folder, command, process
    process.terminate()
    process.wait(60)


def hanging(folder: Path, name: str) -> str:
    """A PATH on which the command `name` never answers."""
    folder.mkdir()
    script = folder / name
    script.write_text("#!/bin/sh\nsleep 1000\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_what_goes_wrong_in_a_job_costs_that_job_alone(slurm, tmp_path):
    jobs = "a=done b=raises c=done d=exits e=dies f=done"
    master = Master(tmp_path, jobs, "hydra.launcher.max_array_size=4", *slurm.on("n1"))
    returned = master.returned()
    assert [done for done, _ in returned] == [True, False, True, False, False, True]
    assert [returned[i][1] for i in (0, 2, 5)] == ["'a'", "'c'", "'f'"]
    assert returned[1][1] == "ValueError('b cannot')"
    assert "sys.exit(3)" in returned[3][1]
    assert "FAILED, killed by signal 9 (SIGKILL): perhaps out of memory" in returned[4][1]
    log = Path(returned[4][1].rpartition("see ")[2].rstrip("')"))
    assert "Killed" in log.read_text()
    arrays = [master.begun(name)[1] for name in "abcdef"]
    assert [arrays.count(array) for array in dict.fromkeys(arrays)] == [4, 2]  # in two arrays of at most four
    assert not list((tmp_path / "sweep" / ".slurm").iterdir())  # nothing is left to take up


def test_a_silent_accounting_is_said_and_done_without(slurm, tmp_path):
    """sacct hangs, and so does its child that holds the pipe."""
    path = hanging(tmp_path / "bin", "sacct")
    master = Master(tmp_path, "a=done b=dies", *slurm.on("n1"), PATH=path)
    (done, _), (also, why) = master.returned()
    assert (done, also) == (True, False)
    assert "SIGKILL" in why  # the controller knows it as well
    assert master.said("did not answer within 10 s)")


def test_a_launching_process_that_is_killed_leaves_jobs_that_the_next_one_takes_up(slurm, tmp_path):
    jobs, settings = "a=waits b=waits c=done d=raises", ["hydra.launcher.array_parallelism=2", *slurm.on("n1")]
    first = Master(tmp_path, jobs, *settings)
    first.begun("a"), first.begun("b")  # c and d wait in the queue
    first.process.kill()
    first.process.wait()
    for last_words in (signal.SIGTERM, None):  # SIGTERM leaves them as well
        master = Master(tmp_path, jobs, *settings)
        master.wait_for("4 of 4 jobs are in SLURM's queue already")
        if last_words:
            master.process.send_signal(last_words)
            assert master.process.wait(20) == 128 + last_words
            assert len([job for job in first.job_ids() if job in queued()]) == 4
    (tmp_path / "go").touch()
    assert master.returned() == [(True, "'a'"), (True, "'b'"), (True, "'c'"), (False, "ValueError('d cannot')")]
    assert not master.said("Submitted")
    assert [len(master.marks(name)) for name in "abcd"] == [2, 2, 2, 1]  # each began once


def test_only_what_is_not_in_the_queue_is_submitted(slurm, tmp_path):
    first = Master(tmp_path, "a=waits", *slurm.on("n1"))
    first.begun("a")
    first.process.kill()
    first.process.wait()
    second = Master(tmp_path, "b=done a=waits", *slurm.on("n1"))
    second.wait_for("Submitted 1 jobs")
    (tmp_path / "go").touch()
    assert second.returned() == [(True, "'b'"), (True, "'a'")]
    assert [len(second.marks(name)) for name in "ab"] == [2, 2]


def test_ctrl_c_leaves_nothing_in_the_queue(slurm, tmp_path):
    master = Master(tmp_path, "a=waits b=waits c=done", "hydra.launcher.array_parallelism=1", *slurm.on("n1"))
    (tmp_path / "sweep").mkdir(exist_ok=True)
    master.begun("a")
    jobs = set(master.job_ids())
    assert jobs <= set(queued())
    master.process.send_signal(signal.SIGINT)
    assert master.process.wait(20) != 0
    assert master.said("KeyboardInterrupt")
    assert master.said("The same command goes on")
    until(lambda: not jobs & set(queued()), seconds=60)
    assert master.marks("c") == []


def test_a_preempted_job_starts_again(slurm, tmp_path):
    """Also one that exits in its grace time, when it is told to: SLURM queues again only what it had to kill."""
    if not slurm.faults:
        pytest.skip("this cluster is not ours to disturb")
    jobs = "a=hangs_at_first b=leaves_at_first"
    master = Master(tmp_path, jobs, *slurm.on("n1"), "hydra.launcher.partition=main")
    master.begun("a"), master.begun("b")
    scontrol("update", "partitionname=main", "gracetime=8")
    words = ["sbatch", "--partition=high", "--nodelist=n1", "--exclusive", "--wrap=true", "--output=/dev/null"]
    subprocess.run(words, check=True, capture_output=True)
    for job in master.job_ids():
        release(job)
    scontrol("update", "partitionname=main", "gracetime=0")
    assert master.returned() == [(True, "'a'"), (True, "'b'")]
    for name in "ab":
        assert [line.split()[0] for line in master.marks(name)] == ["begin", "begin", "end"]


def test_a_cluster_that_refuses_says_why(slurm, tmp_path):
    master = Master(tmp_path, "a=done", "hydra.launcher.partition=nowhere")
    assert master.process.wait(60) == 1
    assert master.said("UserError: sbatch refused")
    assert master.said("invalid partition specified: nowhere")
    assert not list((tmp_path / "sweep" / ".slurm").iterdir())
    master = Master(tmp_path, "a=done", "hydra.launcher.timeout_min=soon")
    assert master.process.wait(60) == 1
    assert master.said("UserError: These settings of hydra.launcher cannot be used")
    assert master.said("timeout_min")


def test_a_failed_node_costs_an_attempt(slurm, tmp_path):
    if not slurm.faults:
        pytest.skip("this cluster is not ours to disturb")
    master = Master(tmp_path, "a=hangs_at_first", *slurm.on("n1"))
    node = master.begun("a")[2]
    (job,) = master.job_ids()
    slurm.kill_node(node, job)
    try:
        release(job, "excnodelist=")
        assert master.returned() == [(True, "'a'")]
        assert master.begun("a", 2)[2] != node
    finally:
        slurm.start_node(node)


def test_a_job_that_needs_longer_than_its_time_is_queued_again(timed_out):
    once, _ = timed_out
    once.begun("slow")
    job = next(job for job in once.job_ids() if job.endswith("_0"))
    release(job)
    assert once.returned() == [(True, "'slow'"), (True, "'other'")]
    assert [line.split()[0] for line in once.marks("slow")] == ["begin", "begin", "end"]


def test_a_job_that_needs_longer_every_time_is_given_up(timed_out):
    _, never = timed_out
    ((done, why),) = never.returned()
    assert not done
    # A node that is busy may tell this job of its end only when its time is over, and then end it by a signal.
    assert "timed-out too many times" in why or (
        "SLURM says: TIMEOUT" in why and "raise hydra.launcher.timeout_min" in why
    )


def test_a_long_training_that_is_queued_again_goes_on_from_its_checkpoint(slurm, tmp_path):
    words = ["unlearner=none", "training.epochs=8000", "runtime.checkpoint_seconds=0.5"]
    _, process = sweep(tmp_path, *words, *slurm.on("n2"))
    try:
        until(lambda: list(tmp_path.glob("store/.checkpoints/original/*/[!.]*")))
        (log,) = tmp_path.glob("runs/adhoc/.launches/*/slurm/*_log.out")
        job = log.name.removesuffix("_0_log.out")
        scontrol("requeue", job)  # what a preemption does
        release(job)
        assert process.wait(240) == 0, (tmp_path / "log").read_text()
    finally:
        process.terminate()
    (meta,) = tmp_path.glob("store/original/*/meta.json")
    assert 0 < json.loads(meta.read_text())["resumed_from_epoch"] < 8000
    assert "the training goes on from epoch" in log.read_text()


def test_a_real_sweep(real):
    folder, command, process = real
    assert process.wait(240) == 0, (folder / "log").read_text()
    results = [json.loads(path.read_text()) for path in folder.glob("runs/adhoc/*/result.json")]
    assert sorted(result["forget_classes"] for result in results) == [[0], [1]]
    assert len({result["key_original"] for result in results}) == 1
    logs = list(folder.glob("runs/adhoc/.launches/*/slurm/*_log.out"))
    assert len(logs) == 1 + 2 + 2 + 2  # one original, then two of each stage
    again = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "Submitted" not in again.stdout + again.stderr

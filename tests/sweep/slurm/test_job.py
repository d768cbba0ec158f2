"""A job on the node: whatever happens in it, what it leaves can be read by the launching process."""

import signal
import sys
import threading

import cloudpickle
import pytest
from hydra.core.utils import JobReturn, JobStatus
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
from submitit.core.utils import JobPaths

from unlearnleak.sweep.slurm import job as slurm_job
from unlearnleak.sweep.slurm.job import SlurmJob, died, portable


class Unreadable(Exception):
    """Pickles, but cannot be made again: its constructor wants more than its arguments."""

    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def returned(status, value):
    return JobReturn(overrides=["x=1"], status=status, _return_value=value)


@pytest.mark.parametrize(
    "value", [Unreadable(1, 2), RuntimeError(threading.Lock())], ids=["not loadable", "not dumpable"]
)
def test_an_exception_that_cannot_travel_arrives_as_words(value):
    found = cloudpickle.loads(cloudpickle.dumps(portable(returned(JobStatus.FAILED, value))))
    assert found.status == JobStatus.FAILED
    assert str(found._return_value) == f"{type(value).__name__}: {value}"


def test_a_value_that_cannot_travel_is_dropped_and_the_job_stays_done():
    found = portable(returned(JobStatus.COMPLETED, threading.Lock()))
    assert (found.status, found.return_value, found.overrides) == (JobStatus.COMPLETED, None, ["x=1"])


def test_what_can_travel_is_left_as_it_is():
    error = ValueError("x")
    assert portable(returned(JobStatus.FAILED, error))._return_value is error


def test_the_dead_keep_their_words():
    found = died(["x=1", "hydra.sweep.subdir=y"], "why")
    assert (found.overrides, found.status, str(found._return_value)) == (["x=1"], JobStatus.FAILED, "why")


@pytest.fixture
def node(tmp_path, monkeypatch):
    """Return a function that runs a SlurmJob as submitit does, where the job's body is a given function."""
    paths = JobPaths(tmp_path, job_id="12_0")
    monkeypatch.setattr(slurm_job.submitit, "JobEnvironment", lambda: type("Environment", (), {"paths": paths}))
    slept: list[float] = []
    monkeypatch.setattr(slurm_job.time, "sleep", slept.append)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # submitit's, which ignores it

    def run(body):
        monkeypatch.setattr(SlurmLauncher, "__call__", lambda self, *_: body(self))
        return SlurmJob()(["x=1"])

    run.paths, run.slept = paths, slept
    yield run
    signal.signal(signal.SIGTERM, before)


def test_sys_exit_and_ctrl_c_are_failures_of_the_job(node):
    for body, words in ((lambda _: sys.exit(3), "sys.exit(3)"), (lambda _: raises(KeyboardInterrupt()), "Keyboard")):
        found = node(body)
        assert found.status == JobStatus.FAILED
        assert words in str(found._return_value)
        assert str(node.paths.stdout) in str(found._return_value)
    assert node.slept == []


def raises(error):
    raise error


def test_the_exit_of_a_job_that_is_queued_again_is_no_result(node):
    def times_out(job):
        assert job.checkpoint(["x=1"]).function is job
        sys.exit(-1)

    with pytest.raises(SystemExit):
        node(times_out)


def test_the_next_attempt_does_not_think_that_it_is_queued_again(node):
    job = SlurmJob()
    again = cloudpickle.loads(cloudpickle.dumps(job.checkpoint(["x=1"]))).function
    assert again.requeued
    node(lambda _: sys.exit(3))
    assert again(["x=1"]).status == JobStatus.FAILED


def test_a_job_that_exits_because_slurm_told_it_to_waits_for_its_end(node):
    """Were it to end by itself, SLURM could take it for finished and not queue it again."""

    def leaves(_):
        signal.raise_signal(signal.SIGTERM)
        sys.exit(1)

    node(leaves)
    assert node.slept == [slurm_job.ENDING_S]


def test_a_job_that_finishes_although_it_was_told_to_end_is_done(node):
    def finishes(_):
        signal.raise_signal(signal.SIGTERM)
        return returned(JobStatus.COMPLETED, 5)

    assert node(finishes).return_value == 5
    assert node.slept == []


def test_leftovers_of_an_attempt_that_was_killed_are_removed(node):
    """submitit refuses to write where a temporary file lies; an old result would be taken for this attempt's."""
    old = [node.paths.result_pickle, *(node.paths.folder / f"{p.name}.save_tmp" for p in (node.paths.result_pickle,
        node.paths.submitted_pickle))]  # fmt: skip
    for path in old:
        path.write_bytes(b"half")
    there = []
    node(lambda _: there.extend(path for path in old if path.exists()) or returned(JobStatus.COMPLETED, 1))
    assert there == []

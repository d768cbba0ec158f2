"""When a job is over: what the queue and the results say at every moment."""

import pickle

import cloudpickle
import pytest
from hydra.core.utils import JobReturn, JobStatus

from unlearnleak.errors import UserError
from unlearnleak.sweep.slurm import queue as slurm_queue
from unlearnleak.sweep.slurm import watch as slurm_watch
from unlearnleak.sweep.slurm.queue import Listed, Silent
from unlearnleak.sweep.slurm.watch import Patience, Waited, Watch


class World:
    """A clock, a queue and a folder of results that a test sets."""

    def __init__(self, folder, monkeypatch):
        self.now, self.queue, self.folder, self.cancelled = 0.0, {}, folder, []
        monkeypatch.setattr(slurm_watch.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(slurm_queue, "listed", self.listed)
        monkeypatch.setattr(slurm_queue, "cancel", lambda *words: self.cancelled.extend(words))
        monkeypatch.setattr(slurm_queue, "ending", lambda job, sacct: f"NODE_FAIL of {job}")
        self.watch = Watch(Patience(interval_s=1.0, grace_s=30.0, silence_min=2.0, held_min=3.0), None)
        self.watch.waited[0] = Waited(["x=1"], "12_0", folder, "u")

    def listed(self):
        if self.queue is None:
            raise Silent("squeue failed: no controller")
        return self.queue

    def in_queue(self, state="RUNNING", reason="None"):
        self.queue = {"12_0": Listed("12_0", state, reason, "u")}

    def leaves(self, status, value, name="12_0_0_result.pkl"):
        returned = JobReturn(status=status, _return_value=value)
        (self.folder / name).write_bytes(cloudpickle.dumps(("success", returned)))

    def look(self, seconds=1.0):
        """What the job's end is known to be after this time; None while it is waited for."""
        self.now += seconds
        self.watch.look()
        assert (0 in self.watch.waited) != (0 in self.watch.returned)
        return self.watch.returned.get(0)


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def test_done_counts_at_once(world):
    world.in_queue()
    assert world.look() is None
    world.leaves(JobStatus.COMPLETED, 5)
    assert world.look().return_value == 5


def test_failed_counts_when_the_job_has_left_the_queue(world):
    """What a preempted job leaves on its way back into the queue is not its end."""
    world.leaves(JobStatus.FAILED, ValueError("cut short"))
    for state in ("RUNNING", "COMPLETING", "PENDING", "RUNNING"):
        world.in_queue(state)
        assert world.look() is None
    world.leaves(JobStatus.COMPLETED, 5)
    assert world.look().return_value == 5


def test_failed_counts_at_once_when_it_has_left(world):
    world.leaves(JobStatus.FAILED, ValueError("cannot"))
    world.queue = {}
    returned = world.look()
    assert (returned.status, repr(returned._return_value)) == (JobStatus.FAILED, "ValueError('cannot')")


def test_no_result_is_a_death_after_the_grace(world):
    world.queue = {}
    assert world.look() is None
    assert world.look(29) is None
    returned = world.look(2)
    assert returned.status == JobStatus.FAILED
    assert type(returned._return_value).__name__ == "JobDied"
    assert "NODE_FAIL of 12_0" in str(returned._return_value)
    assert str(world.folder / "12_0_0_log.out") in str(returned._return_value)


def test_a_slow_disk_may_show_the_result_within_the_grace(world):
    world.queue = {}
    world.look()
    world.look(29)
    world.leaves(JobStatus.COMPLETED, 5)
    assert world.look().return_value == 5


def test_the_grace_begins_anew_after_the_job_was_queued_again(world):
    world.queue = {}
    world.look()
    world.in_queue("PENDING")
    world.look(100)
    world.queue = {}
    assert world.look() is None
    assert world.look(29) is None


def test_a_result_cut_short_is_waited_for_and_then_named(world):
    world.leaves(JobStatus.COMPLETED, 5)
    path = world.folder / "12_0_0_result.pkl"
    path.write_bytes(path.read_bytes()[:40])
    world.queue = {}
    assert world.look() is None
    assert "its result cannot be read" in str(world.look(31)._return_value)


def test_a_job_that_could_not_begin(world):
    (world.folder / "12_0_0_result.pkl").write_bytes(pickle.dumps(("error", "Traceback\nModuleNotFoundError: torch\n")))
    world.queue = {}
    returned = world.look()
    assert returned.status == JobStatus.FAILED
    assert "The job did not begin: ModuleNotFoundError: torch" in str(returned._return_value)


def test_a_silent_queue_is_no_death(world, caplog):
    world.queue = None
    for _ in range(3):
        assert world.look(30) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    world.leaves(JobStatus.FAILED, ValueError("perhaps requeued"))
    assert world.look() is None
    world.leaves(JobStatus.COMPLETED, 5)
    assert world.look().return_value == 5


def test_a_silence_counts_from_its_own_beginning(world):
    for _ in range(3):
        world.queue = None
        assert world.look(100) is None
        world.in_queue()
        assert world.look(100) is None


def test_a_queue_that_stays_silent_is_an_error(world):
    world.queue = None
    world.look()
    with pytest.raises(UserError, match=r"squeue has not answered for 2 minutes .*no controller.*takes them up"):
        world.look(121)


def test_a_job_that_slurm_holds_is_given_up_in_the_end(world, caplog):
    world.in_queue("PENDING", "JobHeldAdmin")
    assert world.look() is None
    assert "JobHeldAdmin" in caplog.text
    assert world.look(179) is None
    assert world.cancelled == []
    assert "held job 12_0 (JobHeldAdmin)" in str(world.look(2)._return_value)
    assert world.cancelled == ["12_0"]


def test_a_job_that_waits_for_its_turn_is_never_given_up(world):
    for reason in ("Priority", "Resources", "BeginTime", "JobHeldUser"):
        world.in_queue("PENDING", reason)
        assert world.look(1e6) is None


def test_a_hold_that_ended_is_forgotten(world):
    world.in_queue("PENDING", "JobHeldAdmin")
    world.look()
    world.in_queue("PENDING", "Priority")
    world.look(100)
    world.in_queue("PENDING", "JobHeldAdmin")
    assert world.look(100) is None


def test_a_folder_that_is_gone_is_no_result(world):
    world.watch.waited[0].folder = world.folder / "gone"
    world.queue = {}
    assert world.look() is None


@pytest.mark.parametrize("name", ["interval_s", "grace_s", "silence_min", "held_min"])
def test_patience_is_more_than_nothing(name):
    values = {"interval_s": 1.0, "grace_s": 1.0, "silence_min": 1.0, "held_min": 1.0} | {name: 0.0}
    with pytest.raises(UserError, match=f"hydra.launcher.{name}=0.0"):
        Patience(**values)

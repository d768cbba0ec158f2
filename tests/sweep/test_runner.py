"""What a launch takes for its tasks' ends where another sweep works in the same folders: fake jobs, no training."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.utils import JobReturn, JobStatus

from unlearnleak.machine.process import began, host
from unlearnleak.runs.launch import VARIABLE
from unlearnleak.runs.status import STATUS, mark, mark_quietly, read_status, write_json
from unlearnleak.sweep import runner as module
from unlearnleak.sweep.runner import Runner
from unlearnleak.sweep.sweeper import keep_ends
from unlearnleak.sweep.waves import Task, Wave

OURS = "20260101-000000-here-1-aaaaaa"


@pytest.fixture(autouse=True)
def ours(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PAUSES", (0.0,))
    monkeypatch.setenv(VARIABLE, str(tmp_path / ".launches" / OURS))


def others_word(folder: Path, status: str, **more) -> None:
    """What another launch, whose process lives, says about a task."""
    pid = os.getppid()
    entry = {"status": status, "time": 0.0, "host": host(), "pid": pid, "began": began(pid), "launch": "theirs"}
    write_json(folder / STATUS, entry | more)


class Attempts:
    """A launcher whose only task goes through `attempts`, one per launch, each with the task's folder."""

    def __init__(self, folder: Path, attempts) -> None:
        self.folder, self.attempts, self.stored, self.launches = folder, list(attempts), set(), 0

    def launch(self, job_overrides, initial_job_idx):
        self.launches += 1
        error = self.attempts.pop(0)(self)
        returned = JobReturn(status=JobStatus.FAILED if error else JobStatus.COMPLETED)
        returned.return_value = error
        return [returned] * len(job_overrides)

    def contains(self, stage, payload):
        return stage in self.stored

    def run(self) -> Runner:
        store = SimpleNamespace(contains=self.contains, lock=lambda name: self.folder.parent / f"{name}.lock")
        task = Task([], self.folder, [], ("original", "aa"), {}, store, None)
        needing = Task([], self.folder.parent / "needs", [("original", "aa")], ("verdict", "bb"), {}, store, None)
        made = Runner(launcher=self, sweep_dir=self.folder.parent, fail_fast=False)
        made.run([Wave("originals", [task])], lambda _: None)
        made.blocked(needing)
        return made


def done(jobs):
    jobs.stored.add("original")
    mark(jobs.folder, "done")


def in_hand(status, **more):
    """An attempt that finds the task in another launch's hand, which then says `status` before the launcher returns."""

    def attempt(jobs):
        mark_quietly(jobs.folder, "waiting", why="another process computes it")
        others_word(jobs.folder, status, **more)

    return attempt


def killed(jobs):
    others_word(jobs.folder, "running")
    return RuntimeError("killed by signal 9")


@pytest.mark.parametrize(
    "first",
    [in_hand("running"), in_hand("queued"), in_hand("waiting"), in_hand("failed", why="interrupted"), in_hand("done")],
    ids=["running", "queued", "waiting", "failed", "done"],
)
def test_another_launchs_word_is_no_end_of_ours(tmp_path, first):
    jobs = Attempts(tmp_path / "task", [first, done])
    ran = jobs.run()
    assert (ran.missing, jobs.launches) == ({}, 2)
    assert read_status(jobs.folder)["status"] == "done"
    assert not (tmp_path / "needs").exists()  # nothing was dropped


def test_what_another_launch_has_stored_meanwhile_is_done_here_too(tmp_path):
    def attempt(jobs):
        in_hand("running")(jobs)
        jobs.stored.add("original")

    jobs = Attempts(tmp_path / "task", [attempt])
    assert jobs.run().missing == {}
    entry = json.loads((jobs.folder / STATUS).read_text())
    assert (entry["status"], entry["launch"]) == ("done", OURS)


def test_a_job_that_was_killed_while_another_launch_is_at_its_task_is_tried_again(tmp_path):
    jobs = Attempts(tmp_path / "task", [killed, done])
    assert jobs.run().missing == {}


@pytest.mark.parametrize("by", ["theirs", OURS])
def test_a_failure_that_the_job_and_our_launcher_agree_upon_is_one(tmp_path, by):
    """Also where the job was submitted by an earlier launch, as SLURM's are: its words bear that launch's name."""

    def attempt(jobs):
        others_word(jobs.folder, "failed", why="ValueError: seven", launch=by)
        return ValueError("seven")

    jobs = Attempts(tmp_path / "task", [attempt])
    assert jobs.run().missing[("original", "aa")]["why"] == "ValueError: seven"
    assert read_status(tmp_path / "needs")["why"] == "its original failed: ValueError: seven"


@pytest.mark.parametrize("word", [None, "queued", "running"])
def test_a_job_of_ours_that_ends_without_a_word_has_failed(tmp_path, word):
    jobs = Attempts(tmp_path / "task", [lambda jobs: mark(jobs.folder, word) if word else None])
    assert jobs.run().missing[("original", "aa")]["why"] == "it ended and left no reason"


def test_a_live_run_of_another_launch_keeps_its_word(tmp_path):
    others_word(tmp_path, "running")
    for word in ("queued", "waiting"):
        mark_quietly(tmp_path, word)
        assert json.loads((tmp_path / STATUS).read_text())["launch"] == "theirs"
    others_word(tmp_path, "running", pid=2**22 - 1, began=1)  # gone: there is nobody any more
    mark_quietly(tmp_path, "queued")
    assert json.loads((tmp_path / STATUS).read_text())["launch"] == OURS


@pytest.mark.parametrize(("status", "state"), [("done", "finished"), ("failed", "failed")])
def test_a_jobs_end_here_counts_though_another_sweep_has_begun_it_again(tmp_path, status, state):
    others_word(tmp_path, "running")
    job = SimpleNamespace(directory=tmp_path, state="todo", why="")
    keep_ends([job], {tmp_path: {"status": status, "why": "seven"}})
    assert (job.state, job.why) == (state, "seven")

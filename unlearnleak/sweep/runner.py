"""Running waves: launch tasks, and see that each ends with a word of its own or with what can be found out about it.

Nothing here believes the launcher, nor what lay on disk before: a task is marked "queued" at every attempt, and is done
when its stage is stored, or its result is there. Nor is another launch's word about a task an end of ours: two sweeps
share the folders of what both need, and what one of them says may be overwritten by the other at any moment.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from unlearnleak.errors import UserError
from unlearnleak.machine.process import launch as launch_name
from unlearnleak.runs.launch import request_stop, stop_requested
from unlearnleak.runs.status import LOG, RESULT, STATUS, mark, mark_quietly, read_json, read_result, read_status
from unlearnleak.store import is_held
from unlearnleak.sweep.waves import Task, Wave

log = logging.getLogger(__name__)
GOES_ON = ("queued", "running", "waiting")
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two looks at what other processes have in hand."""


class Runner:
    """Runs waves of tasks one after the other through a launcher."""

    def __init__(self, *, launcher: Launcher, sweep_dir: Path, fail_fast: bool) -> None:
        self.launcher, self.sweep_dir, self.fail_fast = launcher, sweep_dir, fail_fast
        self.missing: dict[tuple[str, str], dict[str, Any]] = {}  # stages that failed or were skipped: status, why, log
        self.ends: dict[Path, dict[str, Any]] = {}  # how each task ended, by its folder, as its status said then
        self.launched = 0
        self.name: str | None = None  # of the launch

    def run(self, waves: Sequence[Wave], begins: Callable[[str], None]) -> None:
        """Launch one wave after the other, telling `begins` its name; what needs a failed stage is not launched."""
        self.name = launch_name()
        for wave in waves:
            ready = [task for task in wave.tasks if not self.blocked(task)]
            if ready:
                begins(wave.name)
                self.run_tasks(ready)

    def blocked(self, task: Task) -> bool:
        """Whether a task cannot begin: something that it needs is missing, or the sweep is to stop. It then says so."""
        missing = next((self.missing[need] | {"stage": need[0]} for need in task.needs if need in self.missing), None)
        if missing:
            told = f"its {missing['stage']} {missing['status']}: {missing['why']}"
            end = self.say(task, missing["status"], why=told, because=missing["stage"], log=missing["log"])
        elif why := stop_requested():
            end = self.say(task, "skipped", why=why)
        else:
            return False
        self.ends[task.directory] = end
        self.missing[task.gives] = missing or end | {"log": None}
        return True

    def run_tasks(self, tasks: Sequence[Task]) -> None:
        """Launch tasks until each has ended; those that another process has in hand are waited for without a device.

        Such a task may also wait for something else, such as a damaged artifact that somebody computes again: it is
        launched again after a pause that grows as long as nothing moves.
        """
        pending, waiting, idle = list(tasks), list[Task](), 0
        while pending or waiting:
            returns = self.launch(pending) if pending else []
            back = [
                task for task, returned in zip(pending, returns, strict=True) if not self.record_outcome(task, returned)
            ]
            idle = idle + 1 if len(back) == len(pending) else 0
            waiting += back
            if waiting:
                if idle:
                    close_workers(self.launcher)
                time.sleep(PAUSES[min(idle, len(PAUSES) - 1)])
            waiting = [task for task in waiting if not self.done_elsewhere(task)]
            pending = [task for task in waiting if not is_held(task.store.lock("-".join(task.gives)))]
            waiting = [task for task in waiting if task not in pending]

    def done_elsewhere(self, task: Task) -> bool:
        """Whether another process has done a task by now; the task then says so."""
        if not is_done(task):
            return False
        self.remember(task, self.say_done(task))
        return True

    def launch(self, tasks: Sequence[Task]) -> list[JobReturn | None]:
        """One call of the launcher; what it raises is the reason of every task that did not get to speak."""
        overrides = []
        for task in tasks:
            mark_quietly(task.directory, "queued")
            subdir = QuotedString(str(task.directory.relative_to(self.sweep_dir)), Quote.single).with_quotes()
            overrides.append([*task.overrides, f"hydra.sweep.subdir={subdir}"])
        first, self.launched = self.launched, self.launched + len(tasks)
        try:
            returns = list(self.launcher.launch(overrides, initial_job_idx=first))
        except UserError:
            raise
        except Exception as error:
            log.exception("the launcher failed")
            lost = JobReturn(status=JobStatus.FAILED)
            lost.return_value = error
            return [lost] * len(tasks)
        return [*returns, *[None] * (len(tasks) - len(returns))]

    def record_outcome(self, task: Task, returned: JobReturn | None) -> bool:
        """See that a launched task's status is a true end, and remember a stage that is missing.

        Returns False where the task has not ended: it waits for another process, or another launch is at it.
        """
        entry, said = read_status(task.directory) or {}, (read_json(task.directory / STATUS) or {}).get("status")
        status, own = entry.get("status"), entry.get("launch") == self.name
        failed = returned is not None and returned.status is JobStatus.FAILED
        if not ((own and status == "skipped") or ((own or failed) and status == said == "failed")):
            if is_done(task):
                if status != "done" or not own:  # another sweep was quicker, or it was killed before its status
                    entry = self.say_done(task)
            elif status == "waiting" if own else status in GOES_ON or not failed:
                return False
            elif status == "done":
                entry = self.say(task, "failed", why=unstored(task, entry))
            else:
                entry = self.say(task, "failed", why=reason(returned, entry.get("why")))
        self.remember(task, entry)
        return True

    def remember(self, task: Task, entry: dict[str, Any]) -> None:
        """Keep how a task ended, and what is missing since it failed or was skipped."""
        self.ends[task.directory] = entry
        if entry["status"] in ("failed", "skipped"):
            written = task.directory / LOG
            self.missing[task.gives] = {
                "status": entry["status"],
                "why": entry.get("why"),
                "log": str(written) if written.exists() else None,
            }
        if entry["status"] == "failed" and self.fail_fast:  # also one that was killed
            request_stop(f"fail_fast=true, and {task.directory.name} had failed: {entry.get('why')}")

    def say(self, task: Task, status: str, **more: Any) -> dict[str, Any]:
        """Write how a task ended into its folder, unless another launch is at it; returns it."""
        mark_quietly(task.directory, status, **more)
        return {"status": status, **more}

    def say_done(self, task: Task) -> dict[str, Any]:
        """Say in a task's place that it is done, also where another launch says that it runs: the store has it."""
        (stage, key), more = task.gives, dict[str, Any]()
        if task.identity is None:
            more = {"stage": stage, "key": key}
        mark(task.directory, "done", **more)
        return {"status": "done", **more}


def close_workers(launcher: Launcher) -> None:
    """Let go of the workers that a launcher keeps from one launch to the next, as ours does, and of their devices."""
    getattr(launcher, "close", lambda: None)()


def is_done(task: Task) -> bool:
    """Whether what a task is for lies on disk: a stage in the store, a job's whole result."""
    if task.identity is None:
        return task.store.contains(task.gives[0], task.payload)
    result = read_result(task.directory / RESULT)
    return result is not None and result.get("identity") == task.identity


def unstored(task: Task, entry: dict[str, Any]) -> str:
    """Why a task that says done has not left what it was planned for: it did another one, or that is gone."""
    (stage, planned), result = task.gives, read_result(task.directory / RESULT) or {}
    done = entry.get("key") or result.get(f"key_{stage}")
    if done and done != planned:
        named = [word for word in task.overrides if word.startswith(("dataset.path=", "dataset.root="))]
        what = f"the data ({', '.join(named)})" if named else "the data"
        return (
            f"{what} or the code changed while the sweep ran: {stage} {planned} was planned, and {stage} {done} was "
            "computed. The same command again plans with what is there now."
        )
    place = task.store.root / stage / planned if task.identity is None else task.directory / RESULT
    if done or task.identity is not None:
        return (
            f"{place} was there and is gone: something removed it while the sweep ran. The same command makes it again."
        )
    return f"it says done, but what it should have stored is not there: {place}. Its own words are in {LOG}."


def reason(returned: JobReturn | None, otherwise: str | None) -> str:
    """What the launcher knows of a job that could not speak for itself."""
    error = getattr(returned, "_return_value", None)
    told = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else otherwise
    return told or "it ended and left no reason"

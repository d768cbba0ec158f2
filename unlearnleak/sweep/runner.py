"""Running waves: launch tasks, and see that each ends with a word of its own or with what can be found out about it.

Nothing here believes the launcher, nor what lay on disk before: a task is marked "queued" at every attempt, and is done
when its stage is stored, or its result is there.
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
from unlearnleak.status import LOG, RESULT, STATUS, mark, read_json, read_result, read_status
from unlearnleak.store import is_held
from unlearnleak.sweep.launch import request_stop, stop_requested
from unlearnleak.sweep.waves import Task, Wave

log = logging.getLogger(__name__)
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds between two looks at what other processes have in hand."""


class Runner:
    """Runs waves of tasks one after the other through a launcher."""

    def __init__(self, *, launcher: Launcher, sweep_dir: Path, fail_fast: bool) -> None:
        self.launcher, self.sweep_dir, self.fail_fast = launcher, sweep_dir, fail_fast
        self.missing: dict[tuple[str, str], dict[str, Any]] = {}  # stages that failed or were skipped: status, why, log
        self.launched = 0

    def run(self, waves: Sequence[Wave], begins: Callable[[str], None]) -> None:
        """Launch one wave after the other, telling `begins` its name; what needs a failed stage is not launched."""
        for wave in waves:
            ready = [task for task in wave.tasks if not self.blocked(task)]
            if ready:
                begins(wave.name)
                self.run_tasks(ready)

    def blocked(self, task: Task) -> bool:
        """Whether a task cannot begin: something that it needs is missing, or the sweep is to stop. It then says so."""
        missing = next((self.missing[need] | {"stage": need[0]} for need in task.needs if need in self.missing), None)
        if missing:
            ended = missing["status"]
            mark(task.directory, ended, why=f"its {missing['stage']} {ended}: {missing['why']}", log=missing["log"])
        elif why := stop_requested():
            missing = {"status": "skipped", "why": why, "log": None}
            mark(task.directory, "skipped", why=why)
        else:
            return False
        self.missing[task.gives] = missing
        return True

    def run_tasks(self, tasks: Sequence[Task]) -> None:
        """Launch tasks until each has ended; those that another process has in hand are waited for without a device.

        Such a task may also wait for something else, such as a damaged artifact that somebody computes again: it is
        launched again after a pause that grows as long as nothing moves.
        """
        pending, waiting, idle = list(tasks), list[Task](), 0
        while pending or waiting:
            for task, returned in zip(pending, self.launch(pending) if pending else [], strict=True):
                self.settle(task, returned)
            back = [task for task in pending if status_of(task) == "waiting"]
            idle = idle + 1 if len(back) == len(pending) else 0
            waiting += back
            if waiting:
                if idle:
                    dismiss(self.launcher)
                time.sleep(PAUSES[min(idle, len(PAUSES) - 1)])
            waiting = [task for task in waiting if not self.done_elsewhere(task)]
            pending = [task for task in waiting if not is_held(task.store.lock("-".join(task.gives)))]
            waiting = [task for task in waiting if task not in pending]

    def done_elsewhere(self, task: Task) -> bool:
        """Whether another process has done a task by now; the task then says so."""
        if not is_done(task):
            return False
        mark_done(task)
        return True

    def launch(self, tasks: Sequence[Task]) -> list[JobReturn | None]:
        """One call of the launcher; what it raises is the reason of every task that did not get to speak."""
        overrides = []
        for task in tasks:
            mark(task.directory, "queued")
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

    def settle(self, task: Task, returned: JobReturn | None) -> None:
        """See that a launched task's status is a true end (or "waiting"), and remember a stage that is missing."""
        entry, said = read_status(task.directory) or {}, (read_json(task.directory / STATUS) or {}).get("status")
        status = entry.get("status")
        if status not in ("skipped", "waiting") and (status != "failed" or said != "failed"):
            if is_done(task):
                if status != "done":  # another sweep was quicker, or it was killed with its last word on the tongue
                    mark_done(task)
            elif status == "done":
                mark(task.directory, "failed", why="it says done, but what it should have stored is not there")
            else:
                mark(task.directory, "failed", why=reason(returned, entry.get("why")))
        entry = read_status(task.directory) or {}
        if entry.get("status") in ("failed", "skipped"):
            written = task.directory / LOG
            self.missing[task.gives] = {
                "status": entry["status"],
                "why": entry.get("why"),
                "log": str(written) if written.exists() else None,
            }
        if entry.get("status") == "failed" and self.fail_fast:  # also one that was killed
            request_stop(f"fail_fast=true, and {task.directory.name} had failed: {entry.get('why')}")


def dismiss(launcher: Launcher) -> None:
    """Let go of the workers that a launcher keeps from one launch to the next, as ours does, and of their devices."""
    getattr(launcher, "close", lambda: None)()


def is_done(task: Task) -> bool:
    """Whether what a task is for lies on disk: a stage in the store, a job's whole result."""
    if task.identity is None:
        return task.store.contains(task.gives[0], task.payload)
    result = read_result(task.directory / RESULT)
    return result is not None and result.get("identity") == task.identity


def mark_done(task: Task) -> None:
    """Say in a task's place that it is done."""
    stage, key = task.gives
    mark(task.directory, "done", **({"stage": stage, "key": key} if task.identity is None else {}))


def status_of(task: Task) -> str | None:
    """What a task's folder says."""
    return (read_status(task.directory) or {}).get("status")


def reason(returned: JobReturn | None, otherwise: str | None) -> str:
    """What the launcher knows of a job that could not speak for itself."""
    error = getattr(returned, "_return_value", None)
    told = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else otherwise
    return told or "it ended without a word"

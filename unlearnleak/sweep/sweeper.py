"""A staged sweep: plan the grid, launch its waves one after the other, and say what became of every job.

What a launcher returns is only asked where a job could not speak for itself: jobs write their own status, and stages
lie in the store. Killed at any instant, the same command goes on from there.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from unlearnleak.errors import UserError
from unlearnleak.hints import allowed_beside
from unlearnleak.process import began, host
from unlearnleak.progress import progress
from unlearnleak.status import STATUS, mark, read_json, read_status, write_json
from unlearnleak.store import is_held
from unlearnleak.sweep.board import PLAN
from unlearnleak.sweep.compose import SharedLoader
from unlearnleak.sweep.failures import Failure, command, differing, print_failures
from unlearnleak.sweep.grid import Job, make_jobs
from unlearnleak.sweep.launch import LAUNCHES, VARIABLE, request_stop, stop_requested
from unlearnleak.sweep.live import Live
from unlearnleak.sweep.points import points
from unlearnleak.sweep.waves import JOB_WAVES, Task, Wave, announcement, count, make_waves

log = logging.getLogger(__name__)
POLL_SECONDS = 0.5


class Sweep:
    """One launch of a sweep."""

    def __init__(
        self,
        *,
        config: DictConfig,
        loader: SharedLoader,
        launcher: Launcher,
        params: Mapping[str, Any],
        cases: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.config, self.loader, self.launcher = config, loader, launcher
        self.params, self.cases = params, cases
        self.sweep_dir = Path(config.hydra.sweep.dir)
        self.missing: dict[tuple[str, str], dict[str, Any]] = {}  # stages that failed or were skipped, and why
        self.launched = 0
        self.console = Console(stderr=True)

    def run(self, arguments: Sequence[str]) -> None:
        """Do all that is missing.

        Raises:
            UserError: a job failed; the table of failures has been printed.
        """
        jobs = self.plan(arguments)
        waves = make_waves(jobs, self.sweep_dir)
        text = announcement(jobs, waves)
        log.info("%s", text)
        for why, times in Counter(job.why for job in jobs if job.state == "skipped").items():
            log.info("skipped %d: %s", times, why)
        if self.config.dry_run:
            return
        for job in jobs:
            if job.state in ("skipped", "failed"):
                mark(job.directory, job.state, why=job.why)
        if any(wave.tasks for wave in waves):
            self.launch_all(jobs, waves, text)
        self.conclude(jobs)

    def launch_all(self, jobs: Sequence[Job], waves: Sequence[Wave], text: str) -> None:
        """Launch the waves, within a folder that keeps how it goes."""
        folder = self.open_launch(jobs, waves, text)
        outcome = "interrupted"
        try:
            self.launch_waves(waves, folder)
            failures = self.failures(jobs)
            outcome = f"{len(failures)} of {len(jobs)} jobs failed" if failures else "all done"
        finally:
            self.close_launch(folder, outcome)

    def plan(self, arguments: Sequence[str]) -> list[Job]:
        """The jobs of the grid and what is known of each."""
        grid = points(self.params, arguments, self.cases)

        def compose(overrides: list[str]) -> DictConfig:
            try:
                return self.loader.plan_config(self.config, overrides)
            except HydraException as error:
                raise UserError(self.refusal(error, overrides)) from error

        only = self.config.only
        if only not in ("all", "failed"):
            raise UserError(
                f"only={only} is not possible: all, or failed to repeat the jobs whose last attempt failed."
            )
        return make_jobs(progress(grid, label="planning", unit="job"), compose, self.sweep_dir, only == "failed")

    def refusal(self, error: HydraException, overrides: list[str]) -> str:
        """Why a job of the grid cannot be composed, and which."""
        sources = self.config.hydra.runtime.config_sources
        folder = next(source.path for source in sources if source.provider == "main")
        hint = allowed_beside(str(error), folder, overrides)
        return "\n".join([str(error), *([hint] if hint else []), f"In the job {' '.join(overrides)}"])

    # the launch's folder

    def open_launch(self, jobs: Sequence[Job], waves: Sequence[Wave], text: str) -> Path:
        """Make the folder of this launch, write down its plan, and forget what earlier attempts said of its tasks."""
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{host().split('+')[0]}-{os.getpid()}"
        folder = (self.sweep_dir / LAUNCHES / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, self.sweep_dir / "multirun.yaml")
        for wave in waves:
            for task in wave.tasks:
                (task.directory / STATUS).unlink(missing_ok=True)
        plan = {
            "sweep": str(self.config.sweep_name),
            "command": command(),
            "announcement": text,
            "time": time.time(),
            "host": host(),
            "pid": os.getpid(),
            "began": began(os.getpid()),
            "slots": getattr(self.launcher, "slots", None),
            "jobs": len(jobs),
            "known": count(jobs),
            "waves": [
                {
                    "name": wave.name,
                    "stored": wave.stored,
                    "jobs": wave.name in JOB_WAVES,
                    "tasks": [str(task.directory.relative_to(self.sweep_dir)) for task in wave.tasks],
                }
                for wave in waves
            ],
        }
        write_json(folder / PLAN, plan)
        os.environ[VARIABLE] = str(folder)
        return folder

    def close_launch(self, folder: Path, outcome: str) -> None:
        """Write down how it ended."""
        os.environ.pop(VARIABLE, None)
        plan = read_json(folder / PLAN) or {}
        write_json(folder / PLAN, plan | {"ended": time.time(), "outcome": outcome})

    # waves

    def launch_waves(self, waves: Sequence[Wave], folder: Path) -> None:
        """Launch one wave after the other; what needs a failed stage is not launched."""
        with Live(folder, self.console) as live:
            for wave in waves:
                live.wave_begins(wave.name)
                self.launch_wave([task for task in wave.tasks if not self.blocked(task)])

    def blocked(self, task: Task) -> bool:
        """Whether a task cannot begin: something that it needs is missing, or the sweep is to stop. It then says so."""
        missing = next((self.missing[need] | {"stage": need[0]} for need in task.needs if need in self.missing), None)
        if missing:
            entry = {
                "status": missing["status"],
                "why": f"its {missing['stage']} {missing['status']}: {missing['why']}",
            }
        elif why := stop_requested():
            entry = {"status": "skipped", "why": why}
        else:
            return False
        mark(task.directory, **entry)
        self.missing[task.gives] = missing or entry
        return True

    def launch_wave(self, tasks: Sequence[Task]) -> None:
        """Launch tasks until each has ended; those that another process has in hand are waited for without a device."""
        pending, attempt = list(tasks), 0
        while pending:
            returns = self.launch(pending)
            for task, returned in zip(pending, returns, strict=True):
                self.settle(task, returned)
            waiting = [task for task in pending if status_of(task) == "waiting"]
            attempt += 1
            pending = [task for task in waiting if not self.published_elsewhere(task, attempt)]

    def launch(self, tasks: Sequence[Task]) -> list[JobReturn | None]:
        """One call of the launcher; what it raises is the reason of every task that did not get to speak."""
        overrides = [
            [*task.overrides, f"hydra.sweep.subdir='{task.directory.relative_to(self.sweep_dir)}'"] for task in tasks
        ]
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
        """See that a launched task's status is an end (or "waiting"), and remember a stage that failed."""
        entry = read_status(task.directory)
        if entry is None or entry["status"] not in ("done", "skipped", "waiting", "failed"):
            mark(task.directory, "failed", why=reason(returned))
        elif entry["status"] == "failed" and read_json(task.directory / STATUS) != entry:
            mark(task.directory, "failed", why=reason(returned, entry["why"]))  # its process died
        entry = read_status(task.directory) or {}
        if entry.get("status") in ("failed", "skipped"):
            self.missing[task.gives] = {"status": entry["status"], "why": entry.get("why")}
        if entry.get("status") == "failed" and self.config.fail_fast:  # also one that was killed
            request_stop(f"fail_fast=true, and {task.directory.name} had failed: {entry.get('why')}")

    def published_elsewhere(self, task: Task, attempt: int) -> bool:
        """Wait for another process that has the task in hand; whether the task is done then.

        A task that waits for something else, such as a damaged artifact that somebody computes again, is launched again
        after a pause that grows.
        """
        stage, key = task.gives
        lock = task.store.lock(f"{stage}-{key}")
        time.sleep(min(POLL_SECONDS * 2 ** min(attempt - 1, 6), 30.0))
        while is_held(lock):
            time.sleep(POLL_SECONDS)
        if task.job or not task.store.contains(stage, task.payload):
            return False
        mark(task.directory, "done", why="another process computed it")
        return True

    # the end

    def failures(self, jobs: Sequence[Job]) -> list[Failure]:
        """The jobs that failed."""
        found = []
        for job, words in zip(jobs, differing([job.overrides for job in jobs]), strict=True):
            entry = {} if job.state in ("finished", "skipped") else read_status(job.directory) or {}
            if entry.get("status") == "failed":
                written = job.directory / "run.log"
                found.append(
                    Failure(words, str(entry.get("why")), written if written.exists() else job.directory / STATUS)
                )
        return found

    def conclude(self, jobs: Sequence[Job]) -> None:
        """Tell what failed, and where the results are.

        Raises:
            UserError: something failed.
        """
        if failures := self.failures(jobs):
            print_failures(failures, len(jobs), self.console)
            raise UserError(f"{len(failures)} of {len(jobs)} jobs failed; the others are done.")
        log.info("Runs are in %s; `unlearnleak table %s` shows them.", self.sweep_dir, self.sweep_dir)


def status_of(task: Task) -> str | None:
    """What a task's folder says."""
    return (read_status(task.directory) or {}).get("status")


def reason(returned: JobReturn | None, otherwise: str = "it ended without a word") -> str:
    """What the launcher knows of a job that could not speak for itself."""
    error = getattr(returned, "_return_value", None)
    return f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else otherwise

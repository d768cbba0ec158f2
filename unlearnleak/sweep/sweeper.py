"""A staged sweep: plan the grid, launch its waves one after the other, and say what became of every job.

Jobs write their own status, and stages lie in the store: killed at any instant, the same command goes on from there.
"""

import logging
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from unlearnleak.config.hints import allowed_beside
from unlearnleak.config.parsing import parsed_once
from unlearnleak.config.recipes import missing_recipes
from unlearnleak.errors import UserError
from unlearnleak.machine.progress import progress
from unlearnleak.runs.launch import launched
from unlearnleak.runs.place import EARLIER, holds_another
from unlearnleak.runs.status import LOG, RESULT, STATUS, mark_quietly, read_json, read_status
from unlearnleak.sweep.board import ENDS
from unlearnleak.sweep.compose import SharedLoader
from unlearnleak.sweep.failures import Failure, command, differing, job_lines, print_failures
from unlearnleak.sweep.grid import Job, make_jobs
from unlearnleak.sweep.live import Live
from unlearnleak.sweep.misfit import misfit
from unlearnleak.sweep.points import points
from unlearnleak.sweep.runner import Runner, close_workers
from unlearnleak.sweep.waves import Wave, count, make_waves, plan_summary, tell_older

log = logging.getLogger(__name__)


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
        self.console = Console(stderr=True)
        self.without_recipe: dict[str, None] = {}  # what there is to say of them, each once, in order

    def run(self, arguments: Sequence[str]) -> None:
        """Do all that is missing.

        Raises:
            UserError: a job failed, or cannot be planned; what, and why, has been printed.
        """
        jobs = self.plan(arguments)
        waves = make_waves(jobs, self.sweep_dir)
        text = plan_summary(jobs, waves)
        for told in self.without_recipe:
            log.info("%s", told)
        log.info("%s", text)
        for told in tell_older(waves):
            log.info("%s", told)
        tell_unplanned(jobs)
        tell_earlier(jobs)
        if self.config.dry_run:
            return self.conclude(jobs, dry=True)
        for job in jobs:
            tell_state(job)
        stop = self.config.fail_fast and any(job.state == "failed" for job in jobs)
        if any(wave.tasks for wave in waves) and not stop:
            self.launch_all(jobs, waves, text)
        return self.conclude(jobs)

    def launch_all(self, jobs: Sequence[Job], waves: Sequence[Wave], text: str) -> None:
        """Launch the waves, within a folder that keeps how it goes."""
        plan = {
            "sweep": str(self.config.sweep_name),
            "command": command(),
            "announcement": text,
            "slots": getattr(self.launcher, "slots", None),
            "jobs": len(jobs),
            "known": count(jobs),
            "waves": [wave.described(self.sweep_dir) for wave in waves],
        }
        runner = Runner(launcher=self.launcher, sweep_dir=self.sweep_dir, fail_fast=bool(self.config.fail_fast))
        with launched(self.sweep_dir, plan) as folder:
            OmegaConf.save(self.config, self.sweep_dir / "multirun.yaml")
            try:
                with Live(folder, self.console) as live:
                    runner.run(waves, live.wave_begins)
            finally:
                close_workers(self.launcher)
            keep_ends(jobs, runner.ends)
            plan["outcome"] = count_states(jobs)

    def plan(self, arguments: Sequence[str]) -> list[Job]:
        """The jobs of the grid and what is known of each."""
        grid = points(self.params, arguments, self.cases, self.loader)

        def compose(overrides: Sequence[str]) -> DictConfig:
            return self.loader.plan_config(self.config, list(overrides))

        @contextmanager
        def lent(overrides: list[str]) -> Iterator[DictConfig]:
            with ExitStack() as stack:
                try:
                    config = stack.enter_context(self.loader.lent_config(self.config, overrides))
                except HydraException as error:
                    why = misfit(self.loader, compose, grid, overrides) or self.refusal(error, overrides)
                    raise UserError(why) from error
                runtime = self.config.hydra.runtime
                if told := missing_recipes(config, config.hydra.runtime.choices, runtime.config_sources):
                    self.without_recipe[told] = None
                yield config

        only = self.config.only
        if only not in ("all", "failed"):
            raise UserError(
                f"only={only} is not possible: all, or failed to repeat the jobs whose last attempt failed."
            )
        with parsed_once():
            return make_jobs(progress(grid, label="planning", unit="job"), lent, self.sweep_dir, only == "failed")

    def refusal(self, error: HydraException, overrides: list[str]) -> str:
        """Why a job of the grid cannot be composed, and which."""
        sources = self.config.hydra.runtime.config_sources
        folder = next(source.path for source in sources if source.provider == "main")
        hint = allowed_beside(str(error), folder, overrides)
        return "\n".join([str(error), *([hint] if hint else []), f"In the job {' '.join(overrides)}"])

    # the end

    def failures(self, jobs: Sequence[Job]) -> list[Failure]:
        """The jobs that failed."""
        found = []
        for job, words in zip(jobs, differing([job.overrides for job in jobs]), strict=True):
            if end_of(job) == "failed":
                entry = {} if job.state == "failed" else read_status(job.directory) or {}
                why = job.why or str(entry.get("why"))
                found.append(Failure(words, why, Path(entry.get("log") or log_of(job)), entry.get("because")))
        return found

    def conclude(self, jobs: Sequence[Job], *, dry: bool = False) -> None:
        """Tell what failed, and where the results are.

        Raises:
            UserError: something failed.
        """
        failures = [] if dry else self.failures(jobs)
        if failures:
            tell_unlogged(jobs)
            print_failures(failures, len(jobs), self.console)
        if failures or any(job.state == "failed" for job in jobs):
            unplanned = sum(job.state == "failed" for job in jobs)
            told = f"Not every job can be planned: {unplanned} of {len(jobs)} cannot; see above."
            raise UserError(f"Not all is well: {count_states(jobs)}." if not dry else told)
        if not dry:
            tell_unlogged(jobs)
            shown = shlex.quote(str(self.sweep_dir))
            log.info("Runs are in %s; `unlearnleak table %s` shows them.", self.sweep_dir, shown)


def tell_unplanned(jobs: Sequence[Job]) -> None:
    """Say why jobs are skipped or cannot be planned, each reason once, and which these are."""
    same: dict[tuple[str, str], list[list[str]]] = {}
    for job, words in zip(jobs, differing([job.overrides for job in jobs]), strict=True):
        if job.why:
            same.setdefault((job.state, job.why), []).append(list(words or job.overrides))
    for (state, why), overrides in same.items():
        if state == "skipped":
            log.info("skipped %d: %s", len(overrides), why)
        else:
            log.info("%s", "\n".join([f"cannot be planned {len(overrides)}: {why}", *job_lines(overrides)]))


def tell_earlier(jobs: Sequence[Job]) -> None:
    """Say how many runs make way for jobs that will lie in their folders: each job says so itself, in its log only."""
    if others := [job for job in jobs if job.state == "todo" and holds_another(job.directory, job.identity)]:
        log.warning(
            "%d runs hold other results, of other data, settings or versions, such as %s. They are kept in %s beside "
            "them, where `unlearnleak table` shows them if it is told.",
            len(others),
            others[0].directory,
            EARLIER,
        )


def tell_state(job: Job) -> None:
    """Write down what is known of a job that is not launched, but never over a result, nor while another is at it."""
    before = (read_json(job.directory / STATUS) or {}).get("status")
    if job.state == "finished" and before != "done":  # killed after its result was written and before its status was
        mark_quietly(job.directory, "done")
    elif job.state in ("skipped", "failed") and before != "done":
        mark_quietly(job.directory, job.state, why=job.why)


def tell_unlogged(jobs: Sequence[Job]) -> None:
    """Say which results of this launch its logger does not show."""
    results = [read_json(job.directory / RESULT) or {} for job in jobs if job.state == "todo"]
    for why, times in Counter(each["logged_why"] for each in results if each.get("logged") is False).items():
        log.warning("%d results are kept, but not logged in full: %s. The same command logs them anew.", times, why)


def keep_ends(jobs: Sequence[Job], ends: Mapping[Path, Mapping[str, Any]]) -> None:
    """Let a job's end be that of this launch where another sweep has begun the job anew since, in the same folder."""
    for job in jobs:
        if (end := ends.get(job.directory)) and end_of(job) not in ENDS:
            job.state = "finished" if end["status"] == "done" else end["status"]
            job.why = str(end.get("why") or "")


def end_of(job: Job) -> str:
    """How a job ended in this launch: done, failed, skipped, or another word where it did not."""
    if job.state in ("failed", "skipped"):
        return job.state
    return "done" if job.state == "finished" else str((read_status(job.directory) or {}).get("status"))


def count_states(jobs: Sequence[Job]) -> str:
    """How the jobs ended, such as "3 of 8 jobs failed, 5 done"."""
    ends = Counter(end_of(job) for job in jobs)
    failed = ends.pop("failed", 0)
    parts = [f"{times} {end}" for end, times in sorted(ends.items())]
    return ", ".join([*([f"{failed} of {len(jobs)} jobs failed"] if failed else []), *parts])


def log_of(job: Job) -> Path:
    """Where to read more about a job: its log file, or its status where it has not begun."""
    written = job.directory / LOG
    return written if job.state != "failed" and written.exists() else job.directory / STATUS

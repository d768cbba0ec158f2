"""Waits for SLURM jobs: who is still in the queue, whose result is there, who died and why."""

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from submitit.core.utils import JobPaths, pickle_load

from unlearnleak.errors import UserError, require
from unlearnleak.sweep.slurm import queue as slurm_queue
from unlearnleak.sweep.slurm.job import died
from unlearnleak.sweep.slurm.queue import Listed, Silent

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How the launching process waits; see conf/hydra/launcher/slurm.yaml."""

    interval_s: float
    grace_s: float
    silence_min: float
    held_min: float

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require(value > 0, f"hydra.launcher.{name}", value, "it must be more than 0")


@dataclass
class Waited:
    """A job that is waited for."""

    overrides: list[str]
    job_id: str
    folder: Path
    array: str  # its SLURM name
    gone_since: float | None = None
    held_since: float | None = None
    unreadable: Exception | None = None

    @property
    def paths(self) -> JobPaths:
        """Where submitit keeps its files."""
        return JobPaths(self.folder, job_id=self.job_id)

    def result(self) -> JobReturn | None:
        """What the job left; None where there is nothing yet, or nothing whole."""
        try:
            outcome, value = pickle_load(self.paths.result_pickle)
        except FileNotFoundError:
            return None
        except Exception as error:  # cut short on its way over the network, or made of what this process does not know
            self.unreadable = error
            return None
        if outcome == "error":  # submitit's own words: the job's file could not be read on the node, or the like
            return died(self.overrides, f"The job did not begin: {value.strip().splitlines()[-1]}; see {self.log}")
        assert isinstance(value, JobReturn)
        return value

    @property
    def log(self) -> Path:
        """Where its output goes."""
        path: Path = self.paths.stdout
        return path


class Watch:
    """The jobs of one launch that are not over yet, by their place in it; `returned` collects those that are."""

    def __init__(self, patience: Patience, sacct: str | None) -> None:
        self.patience, self.sacct = patience, sacct
        self.waited: dict[int, Waited] = {}
        self.returned: dict[int, JobReturn] = {}
        self.silent_since: float | None = None

    def queue(self) -> dict[str, Listed] | None:
        """What squeue lists; None where it does not answer.

        Raises:
            UserError: it has not answered for as long as the settings allow.
        """
        try:
            queue = slurm_queue.listed()
        except Silent as error:
            now = time.monotonic()
            if self.silent_since is None:
                self.silent_since = now
                log.warning("%s. Waiting for SLURM; the jobs are not touched.", error)
            if now - self.silent_since > 60 * self.patience.silence_min:
                raise UserError(
                    f"squeue has not answered for {self.patience.silence_min:g} minutes ({error}). The jobs that "
                    "were submitted go on by themselves; the same command takes them up."
                ) from error
            return None
        if self.silent_since is not None:
            log.warning("squeue answers again.")
            self.silent_since = None
        return queue

    def patiently(self) -> dict[str, Listed]:
        """What squeue lists, once it answers."""
        while (queue := self.queue()) is None:
            time.sleep(self.patience.interval_s)
        return queue

    def look(self) -> None:
        """Move the jobs that are over from `waited` to `returned`."""
        queue = self.queue()  # before the results: what has left the queue by now has written its own
        shown = {folder: names_in(folder) for folder in {job.folder for job in self.waited.values()}}
        for index, job in list(self.waited.items()):
            result = job.result() if job.paths.result_pickle.name in shown[job.folder] else None
            if queue is None:  # only what is certain without it
                over = result if result and result.status == JobStatus.COMPLETED else None
            elif listing := queue.get(job.job_id):
                over = self.still_queued(job, listing, result)
            else:
                over = result or self.left_without_result(job)
            if over is not None:
                self.returned[index] = over
                del self.waited[index]

    def still_queued(self, job: Waited, listing: Listed, result: JobReturn | None) -> JobReturn | None:
        """A result counts at once if it says that the job is done; a failed job may yet be started again."""
        job.gone_since = None
        if result and result.status == JobStatus.COMPLETED:
            return result
        if not listing.hopeless:
            job.held_since = None
            return None
        if job.held_since is None:
            job.held_since = time.monotonic()
            log.warning("SLURM holds job %s (%s). See `scontrol show job %s`.", job.job_id, listing.reason, job.job_id)
        if time.monotonic() - job.held_since < 60 * self.patience.held_min:
            return None
        slurm_queue.cancel(job.job_id)
        return died(job.overrides, f"SLURM held job {job.job_id} ({listing.reason}) until it was cancelled here")

    def left_without_result(self, job: Waited) -> JobReturn | None:
        """A job that has left the queue; once its result has had its time to show, it died."""
        now = time.monotonic()
        if job.gone_since is None:
            job.gone_since = now
        if now - job.gone_since < self.patience.grace_s:
            return None
        says = slurm_queue.ending(job.job_id, self.sacct)
        what = f"its result cannot be read ({job.unreadable!r})" if job.unreadable else "it left no result"
        return died(job.overrides, f"Job {job.job_id} died: {what}. SLURM says: {says}; see {job.log}")


def names_in(folder: Path) -> set[str]:
    """The files in a folder, as fresh as a network disk lets us see them."""
    try:
        folder.chmod(folder.stat().st_mode)  # makes NFS look again
    except PermissionError:  # somebody else's folder: what the disk shows must do
        pass
    except FileNotFoundError:
        return set()
    return {entry.name for entry in os.scandir(folder)}

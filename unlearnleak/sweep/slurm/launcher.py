"""Runs the jobs of a sweep on a SLURM cluster: one job array per launch, submitted and run by submitit.

submitit writes the jobs' files, calls sbatch, and on the node runs a job and stores what it returned. The waiting is
done here (`slurm_watch`), from `squeue` and those files: submitit's own asks `sacct`, and where that is silent it waits
for ever for a job that died. A job is over when

- its result says that it is done, or
- it has left the queue, and its result says that it failed, or no result shows within a grace: then it died.

So a job that SLURM queues again (a time limit, preemption, a failed node) is simply waited for. Ctrl-C cancels what is
waited for. Any other end of this process leaves the jobs running, and the next launch takes them up (`slurm_record`).
"""

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.utils import JobReturn

from unlearnleak.config.build import check_settings
from unlearnleak.errors import UserError, require
from unlearnleak.runs.launch import launch_folder
from unlearnleak.sweep.slurm import queue as slurm_queue
from unlearnleak.sweep.slurm import record as slurm_record
from unlearnleak.sweep.slurm.job import SlurmJob
from unlearnleak.sweep.slurm.record import Array
from unlearnleak.sweep.slurm.submit import make_executor, submit
from unlearnleak.sweep.slurm.watch import Patience, Waited, Watch

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many jobs run at once, and how many go into one array."""

    array_parallelism: int
    max_array_size: int | None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            require(value is None or value >= 1, f"hydra.launcher.{name}", value, "it must be at least 1")

    def arrays(self, indices: Sequence[int]) -> list[Sequence[int]]:
        """`indices` in parts that the cluster takes as one array each."""
        size = min(slurm_queue.array_limit(), self.max_array_size or len(indices) or 1)
        return [indices[start : start + size] for start in range(0, len(indices), size)]


Settings = TypeVar("Settings", Sizes, Patience)


def launch(
    settings: Mapping[str, Any], job: Mapping[str, Any], job_overrides: Sequence[Sequence[str]], first: int
) -> list[JobReturn]:
    """Run one job per override list and return how each ended, in order; see `hydra_plugins.unlearnleak.slurm`."""
    if not job_overrides:
        return []
    return Launch(settings, job, [list(words) for words in job_overrides], first).run()


class Launch:
    """One call of the launcher."""

    def __init__(
        self, settings: Mapping[str, Any], job: Mapping[str, Any], job_overrides: list[list[str]], first: int
    ) -> None:
        own = {field.name for kind in (Patience, Sizes) for field in fields(kind)} - {"array_parallelism"}
        self.submitits = {name: value for name, value in settings.items() if name not in own}
        self.sizes = built(Sizes, settings)
        self.watch = Watch(built(Patience, settings), usable_sacct())
        self.overrides, self.first = job_overrides, first
        self.keys = slurm_record.keys_of(job_overrides)
        self.job = SlurmJob()
        self.job.setup(**job)
        self.sweep = Path(str(job["config"].hydra.sweep.dir))
        self.folder = ((launch_folder() or self.sweep / ".launches" / "default") / "slurm").absolute()
        self.submitted: list[Array] = []

    def run(self) -> list[JobReturn]:
        """Take up what is in the queue, submit the rest, wait for all."""
        try:
            left = self.take_up()
            arrays = self.sizes.arrays(left)
            while arrays or self.watch.waited:
                if arrays and not self.waits_for_its_own():  # one after another, to keep to array_parallelism
                    self.submit(arrays.pop(0))
                self.watch.look()
                if self.watch.waited:
                    time.sleep(self.watch.patience.interval_s)
        except KeyboardInterrupt:
            self.cancel()
            raise
        for array in self.submitted:
            slurm_record.remove(self.sweep, array)
        return [self.watch.returned[index] for index in range(len(self.overrides))]

    def take_up(self) -> list[int]:
        """Wait for those jobs that an earlier launch has in the queue; return the places of the others."""
        if not slurm_record.any_in(self.sweep):
            return list(range(len(self.keys)))
        known = slurm_record.known(self.sweep, self.watch.patiently().values())
        for index, key in enumerate(self.keys):
            if key in known:
                job_id, array = known[key].job_id, known[key].array
                self.watch.waited[index] = Waited(self.overrides[index], job_id, array.folder, array.name)
        if taken := len(self.watch.waited):
            log.info("%d of %d jobs are in SLURM's queue already and are waited for.", taken, len(self.keys))
        return [index for index in range(len(self.keys)) if index not in self.watch.waited]

    def waits_for_its_own(self) -> bool:
        """Whether a job that this launch submitted is not over yet."""
        names = {array.name for array in self.submitted}
        return any(job.array in names for job in self.watch.waited.values())

    def submit(self, indices: Sequence[int]) -> None:
        """Record and submit one array."""
        self.folder.mkdir(parents=True, exist_ok=True)
        array = slurm_record.write(
            self.sweep, str(self.submitits.get("name", "unlearnleak")), self.folder, [self.keys[i] for i in indices]
        )
        self.submitted.append(array)
        try:
            executor = make_executor(self.submitits, self.folder, array.name)
            overrides = [self.overrides[index] for index in indices]
            ids = submit(executor, self.job, overrides, [self.first + index for index in indices])
        except UserError:
            slurm_record.remove(self.sweep, array)
            raise
        for index, job_id in zip(indices, ids, strict=True):
            self.watch.waited[index] = Waited(self.overrides[index], job_id, self.folder, array.name)
        log.info("Submitted %d jobs to SLURM as %s; logs in %s", len(ids), ids[0].partition("_")[0], self.folder)

    def cancel(self) -> None:
        """Cancel everything that is not over, by the arrays' names: also one that was being submitted just now."""
        names = {array.name for array in self.submitted} | {job.array for job in self.watch.waited.values()}
        for name in sorted(names):
            slurm_queue.cancel(f"--name={name}")
        log.warning("Cancelled the SLURM jobs of this sweep. The same command goes on from what is stored.")


def built(kind: type[Settings], settings: Mapping[str, Any]) -> Settings:
    """The dataclass, from those of the settings that it has."""
    chosen = {field.name: settings[field.name] for field in fields(kind) if field.name in settings}
    check_settings(kind, chosen, "hydra.launcher")
    return kind(**chosen)


def usable_sacct() -> str | None:
    """Path of a `sacct` that answers, or None.

    Raises:
        UserError: there is no SLURM here at all.
    """
    if missing := [name for name in ("sbatch", "squeue", "scancel", "srun") if shutil.which(name) is None]:
        raise UserError(
            f"hydra/launcher=slurm needs {', '.join(missing)} on the PATH: start this command where jobs are "
            "submitted, usually on the login node, or choose hydra/launcher=pool."
        )
    path = shutil.which("sacct")
    return path if slurm_queue.answers(path) else None

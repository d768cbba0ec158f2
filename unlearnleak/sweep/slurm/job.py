"""One job on a SLURM node: what submitit carries there, runs, and brings back as a JobReturn."""

import logging
import signal
import time
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import submitit
from hydra.core.utils import JobReturn, JobStatus, filter_overrides
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher  # type: ignore[import-untyped]

from unlearnleak.machine.printable import write_any_letter
from unlearnleak.runs.launch import JobDied

log = logging.getLogger(__name__)

ENDING_S = 900.0
"""How long a job that SLURM told to end waits for SLURM to end it."""


def died(overrides: list[str], message: str) -> JobReturn:
    """The JobReturn of a job that could not report by itself."""
    returned = JobReturn(overrides=filter_overrides(overrides), status=JobStatus.FAILED)
    returned.return_value = JobDied(message)
    return returned


def portable(returned: JobReturn) -> JobReturn:
    """The same, without what cannot be pickled: an exception is reduced to its words, a value is dropped."""
    try:
        cloudpickle.loads(cloudpickle.dumps(returned))
    except Exception as error:  # whatever the job's own objects raise
        value = returned._return_value
        if returned.status == JobStatus.FAILED:
            returned.return_value = JobDied(f"{type(value).__name__}: {value}")
        else:
            log.warning("The job's return value cannot be pickled (%s) and is dropped.", error)
            returned.return_value = None
    return returned


class SlurmJob(SlurmLauncher):  # type: ignore[misc]
    """A Hydra job that whatever happens inside leaves a JobReturn, except where SLURM queues it again.

    Time limits: SLURM sends SIGUSR2, submitit calls `checkpoint`, asks SLURM to queue the job again and exits.
    Preemption, scancel and a time limit without that: SLURM sends SIGTERM, which submitit ignores, and SIGKILL some
    time later.
    """

    requeued = False
    told_to_end = False

    def __call__(self, sweep_overrides: list[str], *rest: Any) -> JobReturn:
        """Run the job. An earlier attempt's leftovers, if any, are removed first."""
        import unlearnleak.runs.resolvers  # noqa: F401, PLC0415  (not needed where jobs are launched)

        write_any_letter()
        self.requeued = self.told_to_end = False
        paths = submitit.JobEnvironment().paths
        for path in (paths.result_pickle, paths.submitted_pickle):
            path.with_name(f"{path.name}.save_tmp").unlink(missing_ok=True)  # submitit refuses to write over it
        paths.result_pickle.unlink(missing_ok=True)
        self.listen()
        try:
            returned = super().__call__(sweep_overrides, *rest)
        except BaseException as error:
            if self.requeued:
                raise  # submitit's own exit; this job has no result yet
            what = f"it called sys.exit({error.code!r})" if isinstance(error, SystemExit) else repr(error)
            returned = died(sweep_overrides, f"The job ended without a result: {what}; see {paths.stdout}")
        if self.told_to_end and returned.status == JobStatus.FAILED:
            # Lightning exits on SIGTERM, W&B's service ends. A job that ended now would not be requeued.
            time.sleep(ENDING_S)
        return portable(returned)

    def listen(self) -> None:
        """Note a SIGTERM, besides what is done about it already."""
        before = signal.getsignal(signal.SIGTERM)

        def noted(signum: int, frame: Any) -> None:
            self.told_to_end = True
            if callable(before):
                before(signum, frame)

        signal.signal(signal.SIGTERM, noted)

    def checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        """Called by submitit before it has the job queued again: the same job starts over and finds what is stored."""
        self.requeued = True
        return super().checkpoint(*args, **kwargs)

"""What SLURM's own commands say: which jobs are queued, how one ended, how large an array may be.

Every call has a time limit. `squeue` and `scontrol` ask the controller; only `sacct` needs the accounting database, and
nothing here depends on it.
"""

import csv
import logging
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unlearnleak.machine.process import kill_group

log = logging.getLogger(__name__)

SECONDS = 30.0
"""A command that takes longer counts as silent."""

HOPELESS = {
    "jobheldadmin",
    "launch_failed_requeued_held",
    "job_requeued_in_held_state",
    "badconstraints",
    "dependencyneversatisfied",
    "partitiontimelimit",
    "accountnotallowed",
    "qosnotallowed",
    "invalidaccount",
    "invalidqos",
}
"""Reasons for which a pending job stays pending until a person acts (squeue's words, lower case, no blanks).

JobHeldUser is not among them: that person is the user, who holds the job on purpose.
"""

HINTS = {
    "OUT_OF_MEMORY": "raise hydra.launcher.mem_gb",
    "TIMEOUT": "raise hydra.launcher.timeout_min or max_num_timeout",
    "NODE_FAIL": "the node failed and SLURM did not queue the job again",
    "PREEMPTED": "the partition cancels preempted jobs; run the command again",
}


class Silent(RuntimeError):
    """A command of SLURM failed or did not answer: what it said."""


@dataclass(frozen=True)
class Listed:
    """One line of squeue: a job, or one task of an array."""

    job_id: str  # "12", or "12_3" for task 3 of array 12
    state: str
    reason: str
    name: str

    @property
    def index(self) -> int:
        """The job's place in its array."""
        return int(self.job_id.partition("_")[2] or 0)

    @property
    def hopeless(self) -> bool:
        """Whether it will stay pending until a person acts."""
        return self.state == "PENDING" and self.reason.lower().replace(" ", "_") in HOPELESS


def command(*words: str, seconds: float = SECONDS) -> str:
    """What a command prints.

    Raises:
        Silent: there is no such command, it failed, or it took longer than `seconds`.
    """
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = subprocess.Popen(words, **pipes, text=True, start_new_session=True)
    except OSError as error:
        raise Silent(f"{words[0]} cannot be started: {error}") from error
    with process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Silent(f"{words[0]} did not answer within {seconds:g} s") from error
        finally:
            kill_group(process)  # it hangs, or Ctrl-C came, which it did not hear
    if process.returncode:
        said = err.strip().splitlines() or [f"exit status {process.returncode}"]
        raise Silent(f"{Path(words[0]).name} failed: {said[-1]}")
    return str(out)


def listed() -> dict[str, Listed]:
    """All jobs of this user that wait or run, by id; array tasks one by one.

    Raises:
        Silent: squeue did not answer.
    """
    # by user, not by ids: squeue fails on an id that the controller has forgotten
    out = command("squeue", "--noheader", "--array", f"--user={os.getuid()}", "--format=%i|%T|%r|%j")
    jobs = [Listed(*line.strip().split("|", 3)) for line in out.splitlines() if line.count("|") >= 3]
    return {job.job_id: job for job in jobs}


def cancel(*words: str) -> None:
    """Cancel a job by its id, or all of a name by "--name=NAME"; where SLURM does not do it, a warning says how."""
    try:
        command("scancel", *words)
    except Silent as error:
        log.warning("%s. Something may still run: scancel %s", error, " ".join(words))


def array_limit() -> int:
    """How many jobs one array may have; SLURM's own default where the cluster does not say."""
    try:
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", command("scontrol", "show", "config"), re.MULTILINE)
    except Silent:
        found = None
    return max(1, int(found[1])) if found else 1001


@cache
def answers(sacct: str | None) -> bool:
    """Whether accounting answers; asked and warned about once, since it may take ten seconds."""
    try:
        if sacct is None:
            raise Silent("there is no sacct here")
        command(sacct, "-X", "--parsable2", "-o", "JobID,State", "-S", "now", seconds=10.0)
    except Silent as error:
        log.warning(
            "SLURM's accounting does not answer (%s). Jobs are followed through squeue; only the reason why a job died "
            "may be missing.",
            error,
        )
        return False
    return True


def ending(job_id: str, sacct: str | None) -> str:
    """How SLURM says that a job ended, in words; the controller is asked first, then `sacct` (its path) if given."""
    state, code = "", "0:0"
    try:
        fields = dict(re.findall(r"(\w+)=(\S*)", command("scontrol", "-o", "show", "job", job_id)))
        state, code = fields.get("JobState", ""), fields.get("ExitCode", code)
    except Silent:  # the controller forgets ended jobs after some minutes (MinJobAge)
        if sacct:
            state, code = accounted(job_id, sacct)
    return in_words(state, code)


def accounted(job_id: str, sacct: str) -> tuple[str, str]:
    """State and exit code of a job as accounting keeps them; ("", "0:0") where it knows nothing."""
    try:
        out = command(sacct, "-X", "--parsable2", "-j", job_id, "-o", "JobID,State,ExitCode", seconds=10.0)
    except Silent:
        return "", "0:0"
    rows = [row for row in csv.DictReader(out.splitlines(), delimiter="|") if row.get("JobID") == job_id]
    return (rows[-1].get("State") or "", rows[-1].get("ExitCode") or "0:0") if rows else ("", "0:0")


def in_words(state: str, code: str) -> str:
    """ "FAILED", "137:0" -> "FAILED, killed by signal 9 (SIGKILL): perhaps out of memory".

    `code` is STATUS:SIGNAL; a shell reports a command that a signal ended as 128 + the signal's number.
    """
    if not state:
        return "nothing any more about this job"
    status, _, number = code.partition(":")
    by = int(number or 0) or max(0, int(status) - 128)
    words = [state]
    if by in set(signal.Signals):
        words.append(f"killed by signal {by} ({signal.Signals(by).name})")
    elif int(status):
        words.append(f"exit status {status}")
    hint = HINTS.get(state.partition(" ")[0], "perhaps out of memory" if by == signal.SIGKILL else "")
    return ", ".join(words) + (f": {hint}" if hint else "")

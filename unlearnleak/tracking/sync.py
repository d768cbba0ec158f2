"""Uploads the offline W&B runs of whole sweeps (`unlearnleak sync`).

Each run has a `wandb sync` process of its own and a time limit: one that a server does not answer, or one that W&B
cannot read, keeps nothing from the others. W&B leaves a marker beside each run that it has uploaded; such runs are
skipped, so that the same command again goes on where it stopped.
"""

import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from unlearnleak.errors import require
from unlearnleak.machine.printable import printable
from unlearnleak.machine.process import kill_group
from unlearnleak.machine.progress import meter

COMMAND = (sys.executable, "-m", "wandb", "sync", "--include-synced")
"""W&B's own command, of the installation that wrote the runs. Which runs are synced already is decided here."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run: synced, failed, timeout or interrupted; `why` is the last line that W&B printed."""

    run: Path
    status: str
    why: str = ""


def offline_runs(folders: list[Path]) -> list[Path]:
    """The folders of all offline W&B runs below `folders`, each once, in order of their paths.

    Raises:
        UserError: a folder is not there.
    """
    for folder in folders:
        require(folder.is_dir(), "RUNS", folder, "there is no such folder; name one of runs, such as outputs/runs/demo")
    found = {file.parent.resolve(): file.parent for folder in folders for file in folder.rglob("run-*.wandb")}
    return sorted(run for run in found.values() if run.name.startswith("offline-run-"))


def latest(runs: list[Path]) -> list[Path]:
    """The last attempt of each job: one that was killed and started again has a W&B run for each time.

    Names hold the time of the start, so that the last in order is the last that was begun.
    """
    return list({run.parent: run for run in sorted(runs)}.values())


def is_synced(run: Path) -> bool:
    """Whether W&B's marker says that the run was uploaded, and nothing was written to it since."""
    for file in run.glob("run-*.wandb"):
        marker = file.with_suffix(".wandb.synced")
        if marker.is_symlink() or not marker.exists() or marker.stat().st_mtime < file.stat().st_mtime:
            return False
    return True


def links(run: Path) -> list[Path]:
    """Links where W&B would write its marker or its log: what it wrote would lie where they lead."""
    places = [*run.glob("*.synced"), *run.parent.glob("debug-cli*.log")]
    return sorted(place for place in places if place.is_symlink())


class Syncing:
    """Runs one process per W&B run; `stop` ends those that are under way and lets no other begin."""

    def __init__(self, *, timeout: float, command: tuple[str, ...]) -> None:
        self.timeout = timeout
        self.command = command
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._alive: set[subprocess.Popen[bytes]] = set()

    def __call__(self, run: Path) -> Outcome:
        """Sync one run; none that would write through a link."""
        if found := links(run):
            return Outcome(run, "failed", f"{found[0]} is a link, and no link is followed: remove it")
        with TemporaryFile() as output:  # a pipe would be held open by any process that outlives the killed one
            with self._lock:  # no process begins after `stop` has ended all
                if self.stopped.is_set():
                    return Outcome(run, "interrupted")
                process = self._start(run, output)
                self._alive.add(process)
            try:
                process.wait(self.timeout)
                timeout = False
            except subprocess.TimeoutExpired:
                timeout = True
                kill_group(process)
                process.wait()
            with self._lock:
                self._alive.discard(process)
            output.seek(0)
            printed = output.read().decode(errors="replace")
        return self._outcome(run, process.returncode, printed, timeout)

    def stop(self) -> None:
        """End what is under way."""
        with self._lock:
            self.stopped.set()
            for process in self._alive:
                kill_group(process)

    def _start(self, run: Path, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        theirs = {"WANDB_MODE": "online", "WANDB_DIR": str(run.parents[1])}  # its log files go to the run's own wandb/
        return subprocess.Popen(
            [*self.command, str(run)],
            env={name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"} | theirs,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it ends with all its children, and only when told to
        )

    def _outcome(self, run: Path, status: int, printed: str, timeout: bool) -> Outcome:
        lines = [line.strip() for line in printed.splitlines() if line.strip()] or ["it printed nothing"]
        if timeout:
            return Outcome(run, "timeout", f"no end within {self.timeout:g} s: {lines[-1]}")
        if status == 0 and is_synced(run):
            return Outcome(run, "synced")
        if self.stopped.is_set():
            return Outcome(run, "interrupted")
        return Outcome(run, "failed", f"exit status {status}{'' if status else ', not marked as synced'}: {lines[-1]}")


def sync_all(runs: list[Path], syncing: Syncing, workers: int) -> list[Outcome]:
    """Sync `runs`, at most `workers` at a time, with a progress bar; each failure is named when it happens.

    Ctrl-C ends what is under way; the outcomes tell how far it came.
    """
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(workers) as pool, meter(label="sync", total=len(runs), unit="run") as bar:
        jobs = [pool.submit(syncing, run) for run in runs]
        try:
            for job in as_completed(jobs):
                outcomes.append(job.result())
                bar.update()
                if outcomes[-1].why:
                    bar.write(
                        printable(f"{outcomes[-1].status}: {outcomes[-1].run}: {outcomes[-1].why}"), file=sys.stderr
                    )
        except BaseException as error:
            syncing.stop()
            if not isinstance(error, KeyboardInterrupt):
                raise
            told = {outcome.run for outcome in outcomes}
            outcomes += [outcome for outcome in (job.result() for job in jobs) if outcome.run not in told]
    return outcomes


def upload_summary(counts: Counter[str], already: int, older: int) -> str:
    """One line that accounts for every run, such as "synced 40, already 3, failed 2 (timeout 2)"."""
    failed = counts["failed"] + counts["timeout"]
    parts = [f"synced {counts['synced']}", f"already {already}", f"failed {failed}"]
    parts[-1] += f" (timeout {counts['timeout']})" if counts["timeout"] else ""
    parts += [f"not begun or not ended {counts['interrupted']}"] if counts["interrupted"] else []
    parts += [f"earlier attempts left out {older} (--all takes them)"] if older else []
    return ", ".join(parts)

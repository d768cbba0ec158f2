"""The SLURM cluster that the tests use, and the faults that they make in it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT.parent / "shared" / "slurm" / "up.sh"
"""Starts a cluster of two nodes, n1 and n2, on one machine; not part of this repository."""


def answers() -> bool:
    """Whether a cluster answers on this machine."""
    if shutil.which("sinfo") is None:
        return False
    return subprocess.run(["sinfo", "-h"], check=False, capture_output=True).returncode == 0


def hindrance() -> str:
    """Why no cluster can be started here, or ""."""
    if missing := [name for name in ("sbatch", "munged", "slurmctld", "slurmd") if shutil.which(name) is None]:
        return f"no {', '.join(missing)} installed"
    if not STARTER.exists():
        return f"no {STARTER.name} beside the repository that would start a cluster"
    return "" if os.geteuid() == 0 else "a cluster can only be started as root"


def until(met: Callable[[], Any], *, seconds: float = 300.0) -> Any:
    """What `met` returns once it is true."""
    end = time.monotonic() + seconds
    while not (value := met()):
        assert time.monotonic() < end, f"not met within {seconds} s: {met}"
        time.sleep(0.2)
    return value


def scontrol(*words: str) -> str:
    return subprocess.run(["scontrol", *words], check=True, capture_output=True, text=True).stdout


def queued(name: str = "") -> dict[str, str]:
    """State by job id of what squeue lists, or of those jobs whose SLURM name begins with `name`."""
    out = subprocess.run(["squeue", "-h", "-r", "-o", "%i|%T|%j"], check=True, capture_output=True, text=True).stdout
    lines = [line.split("|") for line in out.splitlines()]
    return {job: state for job, state, called in lines if called.startswith(name)}


def release(job_id: str, *changes: str) -> None:
    """Let a requeued job begin now, changed if wanted; SLURM would let it wait for two minutes."""
    until(lambda: queued().get(job_id) == "PENDING")
    scontrol("update", f"jobid={job_id}", *changes, "starttime=now")


class Cluster:
    """A cluster; `faults` says whether its daemons are ours to kill."""

    def __init__(self) -> None:
        self.folder = Path(os.environ.get("SLURM_CONF", "/etc/slurm/slurm.conf")).parent
        self.faults = (self.folder / "slurmd.n1.pid").exists() and os.geteuid() == 0

    def on(self, node: str) -> list[str]:
        """The setting that keeps jobs on one of our two nodes; any node will do on another cluster."""
        other = {"n1": "n2", "n2": "n1"}[node]
        return [f"hydra.launcher.exclude={other}"] if self.faults else []

    def kill_node(self, node: str, job_id: str) -> None:
        """What a node's power cut is: its daemon and everything of its job end at once."""
        listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], check=True, capture_output=True, text=True).stdout
        rows = [line.split(maxsplit=2) for line in listing.splitlines()]
        processes = [(int(pid), int(parent), args) for pid, parent, args in rows]
        doomed = {pid for pid, _, args in processes if f"slurmstepd: [{job_id}." in args}
        for pid, parent, _ in processes:  # parents are listed before their children
            if parent in doomed:
                doomed.add(pid)
        for pid in [int((self.folder / f"slurmd.{node}.pid").read_text()), *doomed]:
            os.kill(pid, signal.SIGKILL)

    def start_node(self, node: str) -> None:
        subprocess.run(["slurmd", "-N", node, "-f", str(self.folder / "slurm.conf")], check=True)
        until(lambda: "State=IDLE" in scontrol("show", "node", node))


class Master:
    """A launching process: see `slurm_master`."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, folder: Path, jobs: str, *settings: str, **environment: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "returned.json").unlink(missing_ok=True)
        self.folder, self.log = folder, folder / "master.log"
        self.log.unlink(missing_ok=True)
        words = [sys.executable, "-m", "tests.sweep.slurm_master", str(folder), *settings, "--", *jobs.split()]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=ROOT, env=os.environ | environment)
        self.started.append(self.process)

    def said(self, text: str) -> bool:
        return text in self.log.read_text()

    def wait_for(self, text: str) -> None:
        until(lambda: self.said(text) or self.process.poll() is not None)
        assert self.said(text), self.log.read_text()

    def returned(self, seconds: float = 240.0) -> list[tuple[bool, str]]:
        """Whether each job is done, and what it returned or raised."""
        assert self.process.wait(seconds) == 0, self.log.read_text()
        return [tuple(entry) for entry in json.loads((self.folder / "returned.json").read_text())]

    def marks(self, name: str) -> list[str]:
        """What a job wrote: "begin ARRAY NODE PID" and "end", in order."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def begun(self, name: str, times: int = 1) -> list[str]:
        """The words of a job's last beginning, once there are so many."""
        return until(lambda: [line for line in self.marks(name) if line.startswith("begin")][times - 1 :])[-1].split()

    def job_ids(self) -> list[str]:
        """The jobs that it has submitted, from the files that submitit keeps for each."""
        folder = self.folder / "sweep" / ".launches" / "default" / "slurm"
        return sorted(path.name.removesuffix("_submitted.pkl") for path in folder.glob("*_submitted.pkl"))


def start(folder: Path) -> None:
    """Start a cluster in `folder` and make it this process's."""
    subprocess.run([str(STARTER), str(folder)], check=True, capture_output=True)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")


def clear() -> None:
    """End what a failed test left behind: launching processes and their jobs."""
    for process in Master.started:
        process.kill()
        process.wait()
    subprocess.run(["scancel", f"--user={os.getuid()}", "--wckey=tests"], check=False)


def stop(folder: Path) -> None:
    """Stop the cluster in `folder`, its jobs first."""
    subprocess.run(["scancel", f"--user={os.getuid()}"], check=False)
    until(lambda: not queued(), seconds=60)
    subprocess.run([str(STARTER.with_name("down.sh")), str(folder)], check=True)
    del os.environ["SLURM_CONF"]

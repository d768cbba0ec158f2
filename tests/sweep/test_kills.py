"""kill -9 of workers, of the launching process and of everything, at random instants of a real sweep on digits.

Whatever is killed, the same command finishes the sweep, with the same bits as one that nobody disturbed.
"""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from pathlib import Path

import pytest

from tests.sweep.shell import ROOT, events, results, statuses
from unlearnleak.cli.commands import main

KILLS = 20
MID_JOB = 0.7  # of the kills of more than a worker, the part that waits until jobs run; the rest hits the start
SEED = 7
SWEEP = [
    "dataset=digits",
    "training.epochs=3",
    "unlearner=rt,rl,ft,none",
    "forget_classes=[0],[1],[2],[3],[4],[5]",
    "attack=head_sum,noise_prior",
    "screening=kmeans",
    "logger=none",
    "runtime.device=cpu",
    "hydra/launcher=pool",
    "hydra.launcher.workers=2",
]
JOBS = 48


class Command:
    """The sweep's command in `folder`, in a process of its own whose descendants can be told by a mark."""

    def __init__(self, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        words = [*SWEEP, f"store={folder / 'store'}", f"runs={folder / 'runs'}"]
        environment = os.environ | {"UNLEARNLEAK_TEST": self.mark, "HOME": str(folder)}
        with (folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "unlearnleak.run", "-m", *words],
                env=environment,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                start_new_session=True,
            )

    def processes(self) -> list[int]:
        """All living processes that carry the mark, the command's own among them."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or somebody else's
        return found

    def workers(self) -> list[int]:
        """The pool's worker processes: forked by the server process, which forked nothing else."""
        try:
            servers = {pid for pid in self.processes() if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()}
            return [pid for pid in servers if parent(pid) in servers]
        except OSError:
            return []  # one went away while it was looked at


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])


def kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_for_workers(command: Command) -> None:
    deadline = time.monotonic() + 60
    while command.process.poll() is None and not command.workers() and time.monotonic() < deadline:
        time.sleep(0.05)


def victims(command: Command, what: str, draw: random.Random) -> list[int]:
    if what == "launcher":
        return [command.process.pid]
    if what == "everything":
        return command.processes()
    workers = sorted(command.workers())
    return [draw.choice(workers)] if workers else []


def disturbed(folder: Path, draw: random.Random) -> dict[str, int]:
    """Run the command and kill parts of it, again and again; returns how often which."""
    kills: dict[str, int] = defaultdict(int)
    command = Command(folder)
    while sum(kills.values()) < KILLS:
        what = draw.choice(["worker", "worker", "launcher", "everything"])
        if what == "worker" or draw.random() < MID_JOB:
            wait_for_workers(command)
        time.sleep(draw.uniform(0.0, 3.0))
        pids = victims(command, what, draw)
        if command.process.poll() is not None:
            command = Command(folder)
            continue
        kill(pids)
        kills[what] += bool(pids)
        if what != "worker":
            command.process.wait(30)
            command = Command(folder)
    command.process.wait(300)
    return dict(kills)


def finish(folder: Path) -> None:
    """Run the command until it ends well: a job whose worker was killed last has failed once."""
    for _ in range(3):
        if Command(folder).process.wait(300) == 0:
            return
    pytest.fail((folder / "out").read_text()[-3000:])


def tensors(folder: Path) -> dict[str, bytes]:
    store = folder / "store"
    return {str(path.relative_to(store)): path.read_bytes() for path in store.glob("[!.]*/[!.]*/tensors.safetensors")}


def computed_again(folder: Path) -> list[str]:
    """Stages that were computed after they had been published, from the jobs' log files."""
    published, again = set(), []
    for _, what, name in events(folder / "runs"):
        if what == "published":
            published.add(name)
        elif name in published:
            again.append(name)
    assert len(published) > JOBS
    return again


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_sweep_survives_kills_at_random_instants(tmp_path):
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    calm.mkdir()
    stormy.mkdir()
    finish(calm)
    kills = disturbed(stormy, random.Random(SEED))
    assert sum(kills.values()) == KILLS
    assert min(kills.values()) >= 2
    finish(stormy)
    assert len(results(calm / "runs")) == JOBS
    assert results(stormy / "runs") == results(calm / "runs")
    assert {entry["status"] for entry in statuses(stormy / "runs").values()} == {"done"}
    assert tensors(stormy) == tensors(calm)
    assert computed_again(stormy) == []
    assert main(["clean", f"--store={stormy / 'store'}", f"--runs={stormy / 'runs'}"]) == 0
    left = [path for path in stormy.rglob("*") if path.name.endswith((".tmp", ".lock", ".ckpt"))]
    assert left == []

"""kill -9 of workers, of the launching process and of everything, in the middle of real sweeps.

Whatever is killed, the same command finishes the sweep, with the same bits as one that nobody disturbed. `make test`
has six kills at chosen points of a small sweep, `make test-more` twenty at random instants of one on digits.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.commandline import Running, WarmPython
from tests.patience import PATIENCE, wait_until
from tests.sweep.direct import sweep, words_in
from tests.sweep.shell import events, results, statuses
from unlearnleak.cli.commands import main

POOL = ["hydra/launcher=pool", "hydra.launcher.workers=2"]
SMALL = ["unlearner=rt,ft,none", "forget_classes=[0],[1],[2]", "attack=head_sum,noise_prior", "screening=kmeans"]
SMALL += ["training.epochs=40"]
CHOSEN = (
    *(("launcher", "at work"), ("everything", "at work"), ("worker", "at work")),
    *(("launcher", "at work"), ("everything", "just begun"), ("worker", "at work")),
)
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
    *POOL,
]


class Command:
    """The sweep of `words` in `folder`, in a process of its own; all that it starts is known by its working folder.

    Its Python is a fork of `python`, which has imported torch already, or one that begins with nothing.
    """

    def __init__(self, folder: Path, words: list[str], python: WarmPython | None = None) -> None:
        self.folder = folder
        line = ["-m", "unlearnleak.run", "-m", *words]
        self.process: Running | subprocess.Popen[bytes]
        if python:
            self.process = python.start(*line, cwd=folder, HOME=str(folder))
        else:
            environment = os.environ | {"HOME": str(folder)}
            with (folder / "out").open("ab") as out:
                self.process = subprocess.Popen(
                    [sys.executable, *line], env=environment, stdout=out, stderr=out, cwd=folder, start_new_session=True
                )

    def has_ended(self) -> bool:
        if isinstance(self.process, Running):
            return not Path(f"/proc/{self.process.pid}").exists()
        return self.process.poll() is not None

    def wait(self, timeout: float = PATIENCE) -> int:
        """Its exit status."""
        if isinstance(self.process, Running):
            done = self.process.wait()
            (self.folder / "out").write_text(done.out + done.err)
            return done.code
        return self.process.wait(timeout)

    def processes(self) -> list[int]:
        """All living processes in the folder, the command's own among them."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "cwd").readlink() == self.folder:
                    found.append(int(entry.name))
            except OSError:
                continue  # gone meanwhile, or somebody else's
        return found

    def workers(self) -> list[int]:
        """The pool's worker processes: forked by the server process, which the command itself has started."""
        try:
            return [pid for pid in self.processes() if parent(parent(pid)) == self.process.pid]
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
    wait_until(lambda: command.has_ended() or command.workers(), "a worker", pause=0.05)


def begun_stages(folder: Path, what: str) -> int:
    """How often a stage has been begun so far; a worker's is no original, on which all jobs depend."""
    begun = [name for _, event, name in events(folder / "runs") if event == "computing"]
    return sum(what != "worker" or not name.startswith("original") for name in begun)


def victims(command: Command, what: str, draw: random.Random) -> list[int]:
    if what == "launcher":
        return [command.process.pid]
    if what == "everything":
        return command.processes()
    workers = sorted(command.workers())
    return [draw.choice(workers)] if workers else []


def disturbed_at_chosen_points(
    folder: Path, words: list[str], draw: random.Random, python: WarmPython
) -> dict[str, int]:
    """Run the command and kill each part of it while a stage is being computed, or just after it began.

    One that is killed at its start imports torch for itself then.
    """
    kills: dict[str, int] = defaultdict(int)
    pythons = [None if when == "just begun" else python for what, when in CHOSEN if what != "worker"]
    command = Command(folder, words, pythons.pop(0))
    for what, when in CHOSEN:
        before = begun_stages(folder, what)
        if when == "at work":
            wait_until(lambda: command.has_ended() or begun_stages(folder, what) > before, "work")  # noqa: B023
            time.sleep(draw.uniform(0.0, 0.3))
        else:
            time.sleep(draw.uniform(0.0, 3.0))
        assert not command.has_ended(), "the sweep was over before all was killed"
        pids = victims(command, what, draw)
        kill(pids)
        kills[what] += bool(pids)
        if what != "worker":
            command.wait()
            command = Command(folder, words, pythons.pop(0) if pythons else python)
    command.wait()
    return dict(kills)


def disturbed(folder: Path, words: list[str], draw: random.Random) -> dict[str, int]:
    """Run the command and kill parts of it, again and again; returns how often which."""
    kills: dict[str, int] = defaultdict(int)
    command = Command(folder, words)
    while sum(kills.values()) < KILLS:
        what = draw.choice(["worker", "worker", "launcher", "everything"])
        if what == "worker" or draw.random() < MID_JOB:
            wait_for_workers(command)
        time.sleep(draw.uniform(0.0, 3.0))
        pids = victims(command, what, draw)
        if command.has_ended():
            command = Command(folder, words)
            continue
        kill(pids)
        kills[what] += bool(pids)
        if what != "worker":
            command.wait()
            command = Command(folder, words)
    command.wait(3 * PATIENCE)
    return dict(kills)


def finish(folder: Path, words: list[str], python: WarmPython | None = None) -> None:
    """Run the command until it ends well: a job whose worker was killed last has failed once."""
    for _ in range(3):
        if Command(folder, words, python).wait(3 * PATIENCE) == 0:
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
    assert len(published) > len(statuses(folder / "runs"))
    return again


@pytest.fixture
def folders(tmp_path):
    """Where a sweep runs undisturbed, and where it is killed."""
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    calm.mkdir()
    stormy.mkdir()
    return calm, stormy


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_sweep_survives_kills_at_work_and_at_its_start(folders, python):
    calm, stormy = folders
    sweep(calm, *SMALL)
    words = [*words_in(stormy, *SMALL), *POOL]
    kills = disturbed_at_chosen_points(stormy, words, random.Random(SEED), python)
    assert kills == {"worker": 2, "launcher": 2, "everything": 2}
    finish(stormy, words, python)
    assert_whole(calm, stormy, jobs=18)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_sweep_survives_kills_at_random_instants(folders):
    calm, stormy = folders
    calmly, stormily = ([*SWEEP, f"store={folder / 'store'}", f"runs={folder / 'runs'}"] for folder in folders)
    finish(calm, calmly)
    kills = disturbed(stormy, stormily, random.Random(SEED))
    assert sum(kills.values()) == KILLS
    assert min(kills.values()) >= 2
    finish(stormy, stormily)
    assert_whole(calm, stormy, jobs=48)


def assert_whole(calm: Path, stormy: Path, jobs: int) -> None:
    """Whatever was killed, nothing is missing, different, computed twice or left behind."""
    assert len(results(calm / "runs")) == jobs
    assert results(stormy / "runs") == results(calm / "runs")
    assert {entry["status"] for entry in statuses(stormy / "runs").values()} == {"done"}
    assert tensors(stormy) == tensors(calm)
    assert computed_again(stormy) == []
    assert main(["clean", f"--store={stormy / 'store'}", f"--runs={stormy / 'runs'}"]) == 0
    left = [path for path in stormy.rglob("*") if path.name.endswith((".tmp", ".lock", ".ckpt"))]
    assert left == []

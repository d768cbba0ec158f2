"""Several processes at one store, and processes killed at every instant of a publication."""

import multiprocessing
import os
import signal
import sys
import time

import pytest
import torch

from tests.patience import PATIENCE, wait_until
from tests.store.published import PAYLOAD, assert_sound, computed, litter, never
from unlearnleak.store import Contents, Store

# Not spawn: 50 children that are ready in milliseconds, and not after importing torch.
fork = multiprocessing.get_context("fork")
EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "fcntl.flock", "fsync"}


def wait_for(path):
    wait_until(path.exists, str(path), pause=0.005)


@pytest.mark.parametrize("locks", ["working", "broken"])
def test_eight_processes_at_once_get_one_artifact(store, tmp_path, locks):
    """Each would compute another value; whoever wins, all must return the winner's. Without locks too."""
    if locks == "broken":
        store.root.mkdir()
        (store.root / ".locks").write_text("in the way")
    barrier = fork.Barrier(8)

    def ask(i):
        def compute():
            with (tmp_path / "computed").open("a") as file:
                file.write(f"{i}\n")
            if locks == "broken":  # nobody finds another one's: all have begun before the first has ended
                wait_until(lambda: len((tmp_path / "computed").read_text().split()) == 8, "all eight")
            else:
                time.sleep(0.2)
            return Contents({"w": torch.full((1000,), i)}, {"by": i})

        barrier.wait(PATIENCE)
        artifact = store.get_or_compute("original", PAYLOAD, compute)
        value = artifact.meta["by"]
        assert artifact.tensors["w"].eq(value).all()
        (tmp_path / f"answer{i}").write_text(f"{value} {artifact.hit}")

    children = [fork.Process(target=ask, args=(i,)) for i in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join(PATIENCE)
    assert [child.exitcode for child in children] == [0] * 8
    computed_by = (tmp_path / "computed").read_text().split()
    answers = [(tmp_path / f"answer{i}").read_text().split() for i in range(8)]
    (winner,) = {value for value, _ in answers}
    assert winner in computed_by
    assert [i for i in range(8) if answers[i][1] == "False"] == [int(winner)]
    assert len(computed_by) == (1 if locks == "working" else 8)
    published = list((store.root / "original").iterdir())
    assert published == [store.find("original", PAYLOAD).path]
    assert litter(store.root) == ([] if locks == "working" else [store.root / ".locks"])


def publish_and_die(root, instant):
    """Publish, and be killed just before the n-th time that something happens on the disk or to a lock."""
    count = 0
    real_fsync = os.fsync

    def hook(event, arguments):
        nonlocal count
        if event in EVENTS and (event in {"fcntl.flock", "fsync"} or str(root) in str(arguments[0])):
            if count == instant:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    def audited_fsync(descriptor):
        sys.audit("fsync", descriptor)
        real_fsync(descriptor)

    os.fsync = audited_fsync
    sys.addaudithook(hook)
    Store(root).get_or_compute("original", PAYLOAD, computed)


def test_killed_at_any_instant_the_next_run_recovers(tmp_path, caplog):
    seen = {"temporary": 0, "lock": 0, "published": 0}
    for instant in range(100):
        root = tmp_path / str(instant)
        child = fork.Process(target=publish_and_die, args=(root, instant))
        child.start()
        child.join(PATIENCE)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        store = Store(root)
        left = litter(root)
        seen["temporary"] += any(path.suffix == ".tmp" for path in left)
        seen["lock"] += any(path.suffix == ".lock" for path in left)
        published = store.contains("original", PAYLOAD)
        seen["published"] += published
        again = store.get_or_compute("original", PAYLOAD, never if published else computed)
        assert_sound(again)
        assert again.hit == published
        store.clean()
        assert litter(root) == []
        assert list((root / "original").iterdir()) == [again.path]
    assert child.exitcode == 0, "the child never got to its end"
    assert caplog.records == []  # nothing half-written was ever met under an artifact's name
    # Not in vain: there were such instants, among them the five files and folders that are synced.
    assert seen["temporary"] >= 8
    assert seen["lock"] >= 8
    assert seen["published"] >= 2


@pytest.mark.parametrize("killed", [False, True])
def test_the_temporary_of_a_writing_process_survives_until_it_is_killed(store, tmp_path, monkeypatch, killed):
    real_fsync = os.fsync

    def slow_fsync(descriptor):
        (tmp_path / "writing").touch()
        wait_for(tmp_path / "go on")
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow_fsync)
    child = fork.Process(target=store.get_or_compute, args=("original", PAYLOAD, computed))
    child.start()
    monkeypatch.undo()
    wait_for(tmp_path / "writing")
    assert store.clean() == []
    held = litter(store.root)
    assert any(path.suffix == ".tmp" for path in held)
    assert any(path.suffix == ".lock" for path in held)
    if killed:
        child.kill()
        child.join(PATIENCE)
        assert set(store.clean()) == {path for path in held if path.suffix in {".tmp", ".lock"}}
        assert not store.contains("original", PAYLOAD)
    else:
        (tmp_path / "go on").touch()
        child.join(PATIENCE)
        assert child.exitcode == 0
        assert_sound(store.get_or_compute("original", PAYLOAD, never))
    assert litter(store.root) == []

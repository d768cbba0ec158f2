"""Locks save double work, do not pile up, and are missed by nobody where they fail."""

import errno
import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from filelock import FileLock

from tests.patience import PATIENCE
from tests.store.published import PAYLOAD, assert_sound, computed, litter, never
from unlearnleak.store import is_held, key_of


def test_who_asks_meanwhile_waits_and_does_not_compute(store, caplog):
    caplog.set_level("INFO", "unlearnleak.store")
    started, go_on = Event(), Event()

    def slow():
        started.set()
        assert go_on.wait(PATIENCE)
        return computed()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(store.get_or_compute, "original", PAYLOAD, slow)
        assert started.wait(PATIENCE)
        others = [pool.submit(store.get_or_compute, "original", PAYLOAD, never) for _ in range(2)]
        # Another key has another lock: it must not wait.
        assert_sound(store.get_or_compute("unlearned", PAYLOAD, computed))
        assert not any(other.done() for other in others)
        go_on.set()
        assert not first.result(PATIENCE).hit
        for other in others:
            assert other.result(PATIENCE).hit
            assert_sound(other.result())
    assert "another process computes original-" in caplog.text
    assert litter(store.root) == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_computed_on_without(store, monkeypatch, caplog, number):
    caplog.set_level("INFO", "unlearnleak.store")

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for seed in range(3):
        assert_sound(store.get_or_compute("original", {"seed": seed}, computed))
    assert caplog.text.count("no lock for original-") == 3  # not a lock file that would outlive a killed process
    assert store.clean() == []
    assert litter(store.root) == []


def test_a_folder_of_locks_that_fails_is_computed_on_without(store):
    store.root.mkdir()
    (store.root / ".locks").write_text("in the way")
    assert_sound(store.get_or_compute("original", PAYLOAD, computed))
    assert_sound(store.get_or_compute("original", PAYLOAD, never))
    assert store.clean() == []


def test_clean_removes_the_locks_that_nobody_holds(store):
    free, in_use = (store.lock(f"original-{digit * 24}") for digit in "01")
    free.parent.mkdir(parents=True)
    free.touch()
    with FileLock(in_use):
        assert store.clean() == [free]
        assert litter(store.root) == [in_use]
    assert store.clean() == [in_use]
    assert litter(store.root) == []


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("what", ["folder", "link to itself", "pipe", "file of others"])
def test_what_is_no_lock_is_held_by_nobody(store, what):
    path = store.lock(f"original-{key_of(PAYLOAD)}")
    path.parent.mkdir(parents=True)
    if what == "folder":
        (path / "inside").mkdir(parents=True)
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "link to itself":
        path.symlink_to(path)
    else:
        (store.root / "theirs").write_text("theirs")
        path.symlink_to(store.root / "theirs")
    assert not is_held(path)
    assert_sound(store.get_or_compute("original", PAYLOAD, computed, wait=False))
    if what == "file of others":
        assert (store.root / "theirs").read_text() == "theirs"

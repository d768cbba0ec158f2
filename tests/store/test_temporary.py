"""Which temporaries `clean` removes: those whose owner is certainly dead, and nothing else."""

import os
import re
import socket
import subprocess
import sys
import time

import pytest

from tests.patience import wait_until
from tests.store.published import PAYLOAD, assert_sound, litter
from unlearnleak.store.temporary import is_leftover, name_beside, temporary


@pytest.fixture
def mine(place):
    """A temporary as this process, which lives, would leave it."""
    path = name_beside(place)
    path.mkdir()
    (path / "meta.json").write_text("{")
    return path


def renamed(path, pattern, replacement):
    name, count = re.subn(pattern, replacement, path.name)
    assert count == 1
    return path.rename(path.with_name(name))


def test_a_name_says_whose_it_is_and_comes_once(place):
    names = {name_beside(place).name for _ in range(100)}
    assert len(names) == 100
    for name in names:
        assert socket.gethostname() in name
        assert f"@{os.getpid()}@" in name
        assert place.name in name


def test_the_temporary_of_a_live_process_stays(store, mine):
    assert store.clean() == []
    assert mine.is_dir()


def test_the_temporary_of_an_ended_process_goes_and_the_artifacts_stay(store, mine):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = renamed(mine, f"@{os.getpid()}@", f"@{ended.pid}@")
    assert store.clean() == [left]
    assert litter(store.root) == []
    assert_sound(store.find("original", PAYLOAD))


def test_a_process_number_that_came_again_does_not_keep_it(store, mine):
    """Ours, but of a process that began at another time: in a container every run may have number 7."""
    left = renamed(mine, f"@{os.getpid()}@(\\d+)@", f"@{os.getpid()}@1@")
    assert store.clean() == [left]


def test_a_process_that_nobody_waited_for_is_dead(place):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        stat = f"/proc/{child.pid}/stat"
        with open(stat) as file:  # noqa: PTH123
            began = file.read().rpartition(")")[2].split()[19]
        path = name_beside(place)
        path.mkdir()
        path = renamed(path, r"@\d+@\d+@", f"@{child.pid}@{began}@")
        assert not is_leftover(path)
        child.kill()
        wait_until(lambda: is_leftover(path), "the process's end")
        assert child.returncode is None  # still a zombie


def test_the_live_process_of_another_user_keeps_its_temporary(store, mine, monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert store.clean() == []


@pytest.mark.parametrize(("hours", "goes"), [(1, False), (23, False), (25, True)])
def test_the_temporary_of_another_host_goes_after_a_day(store, mine, hours, goes):
    """Whether its owner lives cannot be known, but writing takes seconds."""
    theirs = renamed(mine, f"@{re.escape(socket.gethostname())}[^@]*@", "@elsewhere+1@")
    then = time.time() - hours * 3600
    os.utime(theirs, (then, then))
    assert store.clean() == ([theirs] if goes else [])
    assert theirs.exists() != goes


@pytest.mark.parametrize("name", [".keep", ".tmp", ".a.tmp", ".0123@host@x@1@ab.tmp", "0123@host@1@1@ab.tmp"])
def test_what_is_not_ours_stays(store, place, name):
    (place.parent / name).mkdir()
    assert store.clean() == []
    assert (place.parent / name).exists()


def test_a_temporary_is_removed_at_the_end_whatever_happens(tmp_path):
    def fail():
        with temporary(tmp_path / "stage" / "0123") as folder:
            (folder / "file").write_text("x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / "stage").iterdir()) == []

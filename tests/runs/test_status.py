import json
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from tests.patience import PATIENCE, wait_until
from unlearnleak.machine.process import host
from unlearnleak.runs.status import RESULT, STATUS, mark, read_json, read_status, running, write_json


def test_what_is_written_is_read(tmp_path):
    value = {"a": [1, 2.5, None, True], "b": {"c": "ü"}}
    write_json(tmp_path / "new" / "folder" / RESULT, value)
    assert read_json(tmp_path / "new" / "folder" / RESULT) == value


NOT_WHOLE = [b"", b'{"asr": 0.', b"[1, 2]", b'"text"', b"\xff\xfe\x00", b"null", bytes(9), b"[" * 200_000]
NOT_WHOLE += [b'{"a": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize("content", NOT_WHOLE, ids=lambda content: str(content[:9]))
def test_what_is_not_whole_counts_as_nothing(tmp_path, content):
    (tmp_path / RESULT).write_bytes(content)
    assert read_json(tmp_path / RESULT) is None


def vast(path):
    path.touch()
    os.truncate(path, 2**40)


IN_THE_WAY = {
    "a folder": lambda path: (path / "inside").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a file of a terabyte": vast,
}


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("make", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_no_file_counts_as_nothing_and_makes_room(tmp_path, make, caplog):
    for name in (RESULT, STATUS):
        make(tmp_path / name)
        assert read_json(tmp_path / name) is None
    assert (read_status(tmp_path) or {"status": "failed"})["status"] == "failed"
    mark(tmp_path, "done")
    write_json(tmp_path / RESULT, {"new": 1})
    assert read_status(tmp_path)["status"] == "done"
    assert read_json(tmp_path / RESULT) == {"new": 1}
    if (tmp_path / f"{RESULT}.1").exists():  # a folder is not emptied for it
        assert (tmp_path / f"{RESULT}.1" / "inside").is_dir()
        assert str(tmp_path / f"{RESULT}.1") in caplog.text
    else:
        assert sorted(path.name for path in tmp_path.iterdir()) == [RESULT, STATUS]


def test_what_is_in_the_way_is_set_aside_each_time(tmp_path):
    for number in (1, 2):
        (tmp_path / STATUS / str(number)).mkdir(parents=True)
        mark(tmp_path, "running")
        assert (tmp_path / f"{STATUS}.{number}" / str(number)).is_dir()
        (tmp_path / STATUS).unlink()


def test_no_file_is_nothing(tmp_path):
    assert read_json(tmp_path / RESULT) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()], ids=["nan", "infinity", "an object"])
def test_a_value_that_json_has_not_leaves_the_old_file(tmp_path, value):
    write_json(tmp_path / RESULT, {"old": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / RESULT, {"x": value})
    assert read_json(tmp_path / RESULT) == {"old": 1}
    assert list(tmp_path.iterdir()) == [tmp_path / RESULT]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch):
    write_json(tmp_path / RESULT, {"old": 1})

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="No space"):
        write_json(tmp_path / RESULT, {"new": 1})
    assert list(tmp_path.iterdir()) == [tmp_path / RESULT]
    assert read_json(tmp_path / RESULT) == {"old": 1}


def test_a_reader_never_meets_half_a_file(tmp_path):
    path, stop, seen = tmp_path / RESULT, threading.Event(), []
    versions = [{"version": v, "padding": str(v) * 200_000} for v in (1, 2)]
    write_json(path, versions[0])

    def read():
        while not stop.is_set():
            seen.append(read_json(path) in versions)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        write_json(path, versions[turn % 2])
    stop.set()
    reader.join()
    assert len(seen) > 5
    assert all(seen)


def test_others_may_read_it_as_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        write_json(tmp_path / RESULT, {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / RESULT).stat().st_mode) == 0o644


def test_a_mark_replaces_the_one_before(tmp_path):
    mark(tmp_path, "running")
    mark(tmp_path, "failed", why="ValueError: no", traceback="Traceback ...")
    entry = json.loads((tmp_path / STATUS).read_text())
    assert (entry["status"], entry["why"], entry["pid"]) == ("failed", "ValueError: no", os.getpid())
    mark(tmp_path, "done")
    assert "why" not in json.loads((tmp_path / STATUS).read_text())


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def written(folder, **entry):
    write_json(folder / STATUS, {"status": "running", "time": time.time(), "host": host(), "pid": os.getpid()} | entry)


def test_a_run_is_running_as_long_as_its_process_lives(tmp_path, gone):
    mark(tmp_path, "running")
    assert read_status(tmp_path)["status"] == "running"
    written(tmp_path, pid=gone)
    found = read_status(tmp_path)
    assert found["status"] == "failed"
    assert f"its process {gone} is gone" in found["why"]
    written(tmp_path, began=1)  # the number came again: ours began later
    assert read_status(tmp_path)["status"] == "failed"


@pytest.mark.parametrize("status", ["done", "failed", "skipped", "waiting"])
def test_what_a_dead_process_has_ended_stays_as_it_said(tmp_path, gone, status):
    written(tmp_path, status=status, pid=gone)
    assert read_status(tmp_path)["status"] == status


def test_a_run_on_another_host_is_dead_when_it_has_been_silent_for_long(tmp_path, gone):
    written(tmp_path, host="elsewhere+7", pid=gone)
    assert read_status(tmp_path)["status"] == "running"
    long_ago = time.time() - 3600
    os.utime(tmp_path / STATUS, (long_ago, long_ago))
    found = read_status(tmp_path)
    assert found["status"] == "failed"
    assert "no sign of life from elsewhere for 60 minutes" in found["why"]


def test_a_running_job_shows_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearnleak.runs.status.BEAT_SECONDS", 0.01)
    with running(tmp_path):
        long_ago = time.time() - 3600
        os.utime(tmp_path / STATUS, (long_ago, long_ago))
        wait_until(lambda: (tmp_path / STATUS).stat().st_mtime > long_ago + 60, "a sign of life")
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_no_status_is_none_and_half_a_status_is_a_failure(tmp_path):
    assert read_status(tmp_path) is None
    (tmp_path / STATUS).write_text('{"status": "do')
    assert read_status(tmp_path)["status"] == "failed"

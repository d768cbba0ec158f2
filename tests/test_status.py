import json
import os
import stat
import threading

import pytest

from unlearnleak.status import RESULT, STATUS, mark, read_json, write_json


def test_what_is_written_is_read(tmp_path):
    value = {"a": [1, 2.5, None, True], "b": {"c": "ü"}}
    write_json(tmp_path / "new" / "folder" / RESULT, value)
    assert read_json(tmp_path / "new" / "folder" / RESULT) == value


@pytest.mark.parametrize("content", [b"", b'{"asr": 0.', b"[1, 2]", b'"text"', b"\xff\xfe\x00", b"null"])
def test_what_is_not_whole_counts_as_nothing(tmp_path, content):
    (tmp_path / RESULT).write_bytes(content)
    assert read_json(tmp_path / RESULT) is None


def test_no_file_is_nothing(tmp_path):
    assert read_json(tmp_path / RESULT) is None


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": float("inf")}, {"x": object()}], ids=str)
def test_a_value_that_json_has_not_leaves_the_old_file(tmp_path, value):
    write_json(tmp_path / RESULT, {"old": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / RESULT, value)
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

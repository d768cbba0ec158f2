import hashlib
import os
import time
from pathlib import Path

import pytest

from unlearnleak.data import content
from unlearnleak.data.content import SETTLED_SECONDS, digest
from unlearnleak.errors import UserError


@pytest.fixture
def old(monkeypatch):
    """Let every file look as if nobody had changed it for long."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 10 * SETTLED_SECONDS)


@pytest.fixture
def hashed(monkeypatch):
    """The files whose content was hashed, by their size."""
    sizes, file_digest = [], hashlib.file_digest

    def counting(file, algorithm):
        sizes.append(os.fstat(file.fileno()).st_size)
        return file_digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return sizes


def test_a_digest_is_that_of_the_content(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    assert digest(tmp_path / "a") == hashlib.sha256(b"one").hexdigest()
    assert digest(tmp_path / "a", "md5") == hashlib.md5(b"one").hexdigest()


def test_what_has_not_changed_for_long_is_hashed_once(tmp_path, old, hashed):
    (tmp_path / "a").write_bytes(b"one")
    assert len({digest(tmp_path / "a") for _ in range(5)}) == 1
    assert hashed == [3]


def test_what_was_changed_a_moment_ago_is_hashed_again_since_its_times_may_not_tell(tmp_path, hashed, monkeypatch):
    (tmp_path / "a").write_bytes(b"one")
    monkeypatch.setattr(time, "time", lambda: (tmp_path / "a").stat().st_ctime + 1)
    digest(tmp_path / "a")
    digest(tmp_path / "a")
    assert hashed == [3, 3]


@pytest.mark.parametrize("replace", [True, False])
def test_a_change_shows_though_size_and_time_of_modification_are_kept(tmp_path, old, replace):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before, times = digest(path), path.stat()
    other = tmp_path / "b" if replace else path
    other.write_bytes(b"two")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_mtime_ns == times.st_mtime_ns
    assert digest(path) != before


def test_a_file_that_grows_while_it_is_hashed_is_refused(tmp_path, monkeypatch):
    path, file_digest = tmp_path / "a", hashlib.file_digest
    path.write_bytes(b"one")

    def meanwhile(file, algorithm):
        found = file_digest(file, algorithm)
        path.write_bytes(b"one and more")
        return found

    monkeypatch.setattr(hashlib, "file_digest", meanwhile)
    with pytest.raises(UserError, match=r"/a is being written to"):
        digest(path)


@pytest.mark.parametrize("reader", [digest, content.read_whole])
def test_a_pipe_is_not_waited_for(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        reader(Path(tmp_path / "pipe"))


@pytest.mark.parametrize("reader", [digest, content.read_whole])
def test_a_file_larger_than_the_memory_is_refused_before_it_is_read(tmp_path, reader):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(UserError, match=r"/sparse has 8\.0 TiB, and .* of memory are free"):
        reader(tmp_path / "sparse")

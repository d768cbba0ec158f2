"""Disks that are full, folders that cannot be written: explained, and nothing left behind."""

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import torch

from tests.store.published import FILES, PAYLOAD, assert_sound, computed, litter, never
from unlearnleak.errors import UserError
from unlearnleak.store import Contents, Store


@pytest.fixture
def mounted(tmp_path):
    """A function that mounts a tiny file system and returns its folder."""
    target = tmp_path / "disk"
    target.mkdir()

    def mount(options):
        result = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", target],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            pytest.skip(f"a full and a read-only disk stay untried, mount is not permitted: {result.stderr}")
        return target

    if shutil.which("mount") is None:
        pytest.skip("a full and a read-only disk stay untried: there is no mount command")
    yield mount
    subprocess.run(["umount", target], capture_output=True, check=False)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["mkdir", "open", "fsync", "rename"])
def test_a_disk_that_refuses_is_explained(store, monkeypatch, number, call):
    error = OSError(number, os.strerror(number), "some/file")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(*{"fsync": (os, "fsync", fail)}.get(call, (Path, call, fail)))
    with pytest.raises(UserError) as raised:
        store.get_or_compute("original", PAYLOAD, computed)
    assert raised.value.__cause__ is error
    for part in (str(store.root), os.strerror(number), "store=PATH"):
        assert part in str(raised.value)
    monkeypatch.undo()
    assert litter(store.root) == []
    assert_sound(store.get_or_compute("original", PAYLOAD, computed))


@pytest.mark.parametrize("options", ["size=1m", "size=1m,nr_inodes=16"])
def test_a_full_disk(mounted, options):
    store = Store(mounted(options) / "artifacts")
    kept = store.get_or_compute("original", PAYLOAD, computed)
    fill = store.root.parent / "fill"
    fill.mkdir()
    for i in range(20 if "inodes" in options else 0):
        try:
            (fill / str(i)).touch()
        except OSError:
            break
    much = Contents({"w": torch.zeros(2 * 2**20, dtype=torch.uint8)}, {})
    with pytest.raises(UserError, match=r"No room for artifacts in .*disk/artifacts .*store=PATH") as raised:
        store.get_or_compute("original", {"seed": 1}, lambda: much)
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.__cause__.errno == errno.ENOSPC
    assert litter(store.root) == []
    assert list((store.root / "original").iterdir()) == [kept.path]
    assert_sound(store.get_or_compute("original", PAYLOAD, never))
    shutil.rmtree(fill)
    assert_sound(store.get_or_compute("original", {"seed": 1}, computed))


def test_a_read_only_disk_serves_what_it_has_and_refuses_before_computing(mounted, caplog):
    disk = mounted("size=1m")
    store = Store(disk)
    store.get_or_compute("original", PAYLOAD, computed)
    damaged = store.get_or_compute("original", {"seed": 1}, computed).path
    (damaged / "meta.json").unlink()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert_sound(store.get_or_compute("original", PAYLOAD, never))
    with pytest.raises(UserError, match=r"No access to the artifacts in .*Read-only.*store=PATH"):
        store.get_or_compute("unlearned", PAYLOAD, never)
    assert store.find("original", {"seed": 1}) is None
    assert "meta.json cannot be read" in caplog.text
    assert "cannot be removed" in caplog.text


@pytest.fixture
def forbidden():
    """A folder that this process may read and not write; root becomes nobody for the while."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        root = os.geteuid() == 0
        try:
            os.seteuid(65534 if root else os.geteuid())
            yield Path(name)
        finally:
            os.seteuid(0 if root else os.geteuid())


def test_a_folder_without_permission_serves_what_it_has_and_refuses_before_computing(forbidden):
    store = Store(forbidden / "artifacts")
    place = store.get_or_compute("original", PAYLOAD, computed).path
    try:
        place.parent.chmod(0o555)
        assert_sound(store.get_or_compute("original", PAYLOAD, never))
        with pytest.raises(UserError, match=r"No access to the artifacts in .*Permission denied"):
            store.get_or_compute("original", {"seed": 1}, never)
        place.parent.chmod(0o000)
        for ask in (store.find, store.contains):
            with pytest.raises(UserError, match="Permission denied"):
                ask("original", PAYLOAD)
    finally:
        place.parent.chmod(0o755)
    assert_sound(store.get_or_compute("original", PAYLOAD, never))


@pytest.mark.parametrize("where", ["", "original"])
def test_a_file_where_a_folder_should_be_is_explained(store, where):
    blocker = store.root / where
    blocker.parent.mkdir(exist_ok=True)
    blocker.write_text("")
    with pytest.raises(UserError, match=r"cannot be kept in .*artifacts .*move that file away"):
        store.get_or_compute("original", PAYLOAD, never)


def test_everything_is_on_the_disk_before_it_is_published(store, monkeypatch):
    """A rename that overtakes its files would publish empty ones when the power fails."""
    log = []
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda fd: (log.append(Path(f"/proc/self/fd/{fd}").readlink()), fsync(fd)))
    monkeypatch.setattr(Path, "rename", lambda path, to: (log.append("rename"), rename(path, to)))
    place = store.get_or_compute("original", PAYLOAD, computed).path
    before, after = log[: log.index("rename")], log[log.index("rename") + 1 :]
    (temporary,) = {path.parent for path in before if path.name in FILES}
    assert set(before) == {temporary, *(temporary / name for name in FILES)}
    assert before[-1] == temporary
    assert after == [place.parent]

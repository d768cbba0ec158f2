"""Where the pool's processes keep what is temporary, whatever TMPDIR says."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from unlearnleak.errors import UserError
from unlearnleak.machine.process import began, host
from unlearnleak.runs.status import write_json
from unlearnleak.sweep.pool import scratch

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import multiprocessing, sys, tempfile
from unlearnleak.sweep.pool import scratch
scratch.make_socket_folder()
print(multiprocessing.util.get_temp_dir(), tempfile.gettempdir())
context = multiprocessing.get_context("forkserver")
process = context.Process(target=print, args=["alive"])
process.start()
process.join()
"""


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("kind", ["of 70 bytes", "of 76 bytes", "of 200 bytes", "missing", "a file", "spaces ü"])
def test_processes_start_whatever_tmpdir_is(tmp_path, kind):
    place = tmp_path / kind
    if kind.startswith("of"):
        size = int(kind.split()[1])
        base = tempfile.mkdtemp(prefix="t", dir="/tmp")
        place = Path(base, "x" * (size - len(base) - 1))
        assert len(str(place)) == size
    if kind == "a file":
        place.write_text("")
    elif kind != "missing":
        place.mkdir()
    words, environment = [sys.executable, "-c", WORKER], os.environ | {"TMPDIR": str(place)}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    sockets, temporaries = done.stdout.splitlines()[0].rsplit(" /", 1)
    assert "alive" in done.stdout
    assert not Path(sockets).exists()  # gone with the process
    assert ("/" + temporaries == str(place)) == (kind not in ("missing", "a file"))  # all else stays where it was told
    if kind.startswith("of"):
        assert (str(place) in sockets) == (kind == "of 70 bytes")
        shutil.rmtree(base)


def test_no_place_at_all_is_said_in_one_line(monkeypatch, elsewhere):
    monkeypatch.setattr(scratch, "short_enough", lambda folder: folder != str(elsewhere))
    monkeypatch.setattr(scratch.util, "get_temp_dir", lambda: (_ for _ in ()).throw(PermissionError))
    with pytest.raises(UserError, match=r"none of .*/tmp.* can be written. Set TMPDIR to a folder of at most 70 bytes"):
        scratch.make_socket_folder()
    assert tempfile.gettempdir() == str(elsewhere)


def test_a_workers_folder_is_its_own(elsewhere):
    folder = scratch.worker_folder()
    assert folder.parent == elsewhere
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_launcher_left_is_removed_and_nothing_else(elsewhere):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone, here = {"pid": child.pid, "began": 1}, {"pid": os.getpid(), "began": began(os.getpid())}
    owners = {"gone": gone | {"host": host()}, "lives": here | {"host": host()}, "far": gone | {"host": "elsewhere+1"}}
    for name, owner in owners.items():
        write_json(elsewhere / f"unlearnleak-{name}" / scratch.OWNER, owner)
    (elsewhere / "unlearnleak-mine").mkdir()
    (elsewhere / "unlearnleak-link").symlink_to(elsewhere / "unlearnleak-gone")
    write_json(elsewhere / "other" / scratch.OWNER, owners["gone"])
    assert list(scratch.leftovers(elsewhere)) == [elsewhere / "unlearnleak-gone"]
    scratch.worker_folder()
    assert not (elsewhere / "unlearnleak-gone").exists()
    kept = ("unlearnleak-lives", "unlearnleak-far", "unlearnleak-mine", "other")
    assert all((elsewhere / name).exists() for name in kept)

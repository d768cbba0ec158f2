"""NVIDIA's service with a stand-in for its daemon, which lives as the real one does: in the background, until told."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.patience import wait_until
from unlearnleak.machine.process import began, is_alive
from unlearnleak.sweep.pool import mps

FAKE = """#!/bin/sh
folder=$CUDA_MPS_PIPE_DIRECTORY
if [ "$1" = -d ]; then
    [ -n "$FAKE_MPS_REFUSES" ] && { echo "Cannot start: $FAKE_MPS_REFUSES" >&2; exit 1; }
    sleep 600 &  # which holds the output open, as a daemon may
    echo $! > "$folder/nvidia-cuda-mps-control.pid"
    exit 0
fi
read question more
[ -n "$folder" ] && [ -f "$folder/nvidia-cuda-mps-control.pid" ] || exit 1
case $question in
    quit) kill $(cat "$folder/nvidia-cuda-mps-control.pid") ;;
    *) echo 4711 ;;
esac
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """The stand-in on PATH; no other service is in use."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / mps.CONTROL).write_text(FAKE)
    (folder / mps.CONTROL).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv(mps.PIPES, raising=False)
    monkeypatch.setattr(mps, "PROBE", "pass")


def daemon(folder: Path) -> int:
    return int((folder / "nvidia-cuda-mps-control.pid").read_text())


def test_the_daemon_is_there_from_start_to_stop(fake):
    service = mps.start()
    assert service.environment == {mps.PIPES: str(service.folder), mps.LOGS: str(service.folder)}
    assert service.folder.stat().st_mode & 0o777 == 0o700
    pid = daemon(service.folder)
    assert is_alive(pid, began(pid))
    service.stop()
    assert not service.folder.exists()
    wait_until(lambda: began(pid) in (0, -1))


def test_the_daemon_sees_every_gpu_whichever_its_launcher_may(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    path = Path(shutil.which(mps.CONTROL))
    path.write_text(
        FAKE.replace("sleep 600", f'echo "seen ${{CUDA_VISIBLE_DEVICES-all}}" > {tmp_path}/seen; sleep 600')
    )
    service = mps.start()
    service.stop()
    assert (tmp_path / "seen").read_text() == "seen all\n"


def test_it_ends_with_a_launcher_that_is_killed(fake, tmp_path):
    code = (
        "from unlearnleak.sweep.pool import mps; import time\n"
        "mps.PROBE = 'pass'\n"
        "print(mps.start().folder, flush=True)\n"
        "time.sleep(600)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout
    folder = Path(launcher.stdout.readline().strip())
    pid = daemon(folder)
    assert is_alive(pid, began(pid))
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    launcher.stdout.close()
    wait_until(lambda: not folder.exists() and began(pid) in (0, -1))


def test_a_daemon_that_was_still_beginning_ends_too(fake, tmp_path):
    """Its launcher is killed after it has called it and before it answers."""
    began_file = tmp_path / "daemon"
    late = FAKE.replace('echo $! > "$folder', f'echo $! > {began_file}; (sleep 1; cat {began_file} > "$folder')
    late = late.replace('control.pid"\n    exit 0', 'control.pid") &\n    exit 0')
    assert late.count("sleep 1") == 1
    Path(shutil.which(mps.CONTROL)).write_text(late)
    code = "from unlearnleak.sweep.pool import mps\nmps.start()"
    launcher = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_until(lambda: began_file.exists() and began_file.read_text().strip())
    launcher.kill()
    launcher.wait()
    pid = int(began_file.read_text())
    wait_until(lambda: began(pid) in (0, -1))


@pytest.mark.parametrize("wanted", ["auto", True])
def test_without_it_jobs_take_turns_and_the_log_says_so(tmp_path, monkeypatch, caplog, wanted):
    monkeypatch.setenv("PATH", str(tmp_path))
    caplog.set_level("INFO")
    assert mps.started(wanted) is None
    (record,) = caplog.records
    assert record.message == f"jobs on one GPU take turns: MPS was not started ({mps.CONTROL} is not there)"
    assert record.levelname == ("INFO" if wanted == "auto" else "WARNING")
    assert mps.started(False) is None
    assert len(caplog.records) == 1


def test_a_daemon_that_refuses_leaves_nothing(fake, monkeypatch, caplog):
    monkeypatch.setenv("FAKE_MPS_REFUSES", "not allowed here")
    made = []
    private = mps.private_folder
    monkeypatch.setattr(mps, "private_folder", lambda: made.append(private()) or made[-1])
    with pytest.raises(mps.NoMps, match="Cannot start: not allowed here"):
        mps.start()
    assert not made[0].exists()


def test_a_gpu_that_cannot_be_opened_through_it_is_found_out_before_any_job(fake, monkeypatch):
    monkeypatch.setattr(mps, "PROBE", "import sys; sys.exit('CUDA error 805')")
    with pytest.raises(mps.NoMps, match="no GPU can be opened through it: CUDA error 805"):
        mps.start()


def test_a_service_that_is_in_use_is_left_alone_and_told(fake, monkeypatch, caplog):
    service = mps.start()
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(mps.NoMps, match="another is in use"):
        mps.start()
    caplog.set_level("INFO")
    assert mps.started("auto") is None
    assert caplog.messages == ["jobs on one GPU run at the same time, by the MPS that is in use here"]
    service.stop()


def test_the_probe_finds_nothing_wrong_where_there_is_no_cuda():
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", mps.PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "CUDA error" in done.stderr
    assert time.monotonic() - begin < mps.SECONDS

"""NVIDIA's multi-process service: lets the kernels of several workers run on one GPU at the same time.

Without it, processes that share a GPU take turns. Its control daemon has a private folder here, ends with the launch,
and is ended by a process that waits for the launcher's end, so also where that is killed.
"""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from unlearnleak.machine.printable import first_line
from unlearnleak.sweep.pool.scratch import SHORT, short_enough

CONTROL = "nvidia-cuda-mps-control"
PIPES, LOGS, VISIBLE = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "CUDA_VISIBLE_DEVICES"
MOST_CLIENTS = 48
"""Processes that one GPU's server takes, of any NVIDIA GPU since Volta."""
SECONDS = 60.0
"""How long the daemon may take for an answer."""
WATCHER = """cat >/dev/null
for try in 1 2 3; do  # where the launcher was killed while the daemon began, it does not answer yet
    pid=$(cat "$2/nvidia-cuda-mps-control.pid" 2>/dev/null)
    echo quit -t 5 | timeout 20 "$1" >/dev/null 2>&1 && break
    sleep 1
done
[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && sleep 1 && kill -9 "$pid" 2>/dev/null
rm -rf "$2"
"""
"""Waits for the end of its input, which is the launcher's end, and then ends the daemon $1 in the folder $2."""
PROBE = """import ctypes, sys
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError:
    sys.exit(0)
device, context = ctypes.c_int(), ctypes.c_void_p()
calls = (lambda: cuda.cuInit(0), lambda: cuda.cuDeviceGet(ctypes.byref(device), 0),
         lambda: cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
for call in calls:
    if error := call():
        sys.exit(f"CUDA error {error}")
"""
"""Opens a GPU as workers will; where there is no CUDA there is nothing to see."""


log = logging.getLogger(__name__)


class NoMps(Exception):
    """MPS cannot be used here; the message says why."""


class Mps:
    """A running control daemon; `environment` is what makes a process its client."""

    def __init__(self, folder: Path, watcher: "subprocess.Popen[bytes]") -> None:
        self.folder, self.watcher = folder, watcher

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the workers, before they open CUDA."""
        return {PIPES: str(self.folder), LOGS: str(self.folder)}

    def stop(self) -> None:
        """End the daemon, once its clients have ended."""
        assert self.watcher.stdin
        with suppress(OSError):
            self.watcher.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.watcher.wait(SECONDS)


def started(wanted: bool | str) -> Mps | None:
    """The service where it is wanted (`hydra.launcher.mps`) and can be had; says in the log which."""
    if wanted is False:
        return None
    if control_in_use():
        log.info("jobs on one GPU run at the same time, by the MPS that is in use here")
        return None
    try:
        service = start()
    except NoMps as why:
        level = logging.WARNING if wanted is True else logging.INFO
        log.log(level, "jobs on one GPU take turns: MPS was not started (%s)", why)
        return None
    log.info("jobs on one GPU run at the same time: MPS was started (%s) and ends with the launch", service.folder)
    return service


def control_in_use() -> bool:
    """Whether the workers find a service that somebody else has started."""
    control = shutil.which(CONTROL)
    return control is not None and ask(control, dict(os.environ), "get_server_list") is not None


def start() -> Mps:
    """Start the control daemon and see that a GPU can be opened through it.

    Raises:
        NoMps: it is not there or not allowed, or another runs already.
    """
    control = shutil.which(CONTROL)
    if control is None:
        raise NoMps(f"{CONTROL} is not there")
    if control_in_use():
        raise NoMps("another is in use here already")
    folder = private_folder()
    environment = {name: value for name, value in os.environ.items() if name != VISIBLE}  # workers name GPUs by it
    environment |= {PIPES: str(folder), LOGS: str(folder)}
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", WATCHER, "sh", control, str(folder)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    mps = Mps(folder, watcher)
    try:
        begin(control, environment)
    except BaseException:
        mps.stop()
        raise
    return mps


def begin(control: str, environment: dict[str, str]) -> None:
    """Start the daemon in its folder and open a GPU through it; raises NoMps."""
    told = Path(environment[LOGS]) / "start.log"
    with told.open("wb") as output:  # a file: the daemon would hold a pipe open
        try:
            done = subprocess.run(
                [control, "-d"], env=environment, stdout=output, stderr=output, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoMps(f"{CONTROL} -d: {error}") from error
    if done.returncode:
        words = first_line(told.read_text(errors="replace")) or f"exit status {done.returncode}"
        raise NoMps(f"{CONTROL} -d: {words}")
    with suppress(subprocess.TimeoutExpired):
        probe = subprocess.run(
            [sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if probe.returncode:
            raise NoMps(f"no GPU can be opened through it: {first_line(probe.stderr)}")
        if not ask(control, environment, "get_server_list"):
            raise NoMps("its server does not start")
        return
    raise NoMps(f"no GPU could be opened through it within {SECONDS:g} seconds")


def ask(control: str, environment: dict[str, str], question: str) -> str | None:
    """A daemon's answer; None where none answers."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [control], input=question, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
    return None


def private_folder() -> Path:
    """A new folder that only this user sees, with room for a socket's path."""
    short = [tempfile.gettempdir(), *SHORT]
    place = next(place for place in short if short_enough(place) and os.access(place, os.W_OK))
    return Path(tempfile.mkdtemp(prefix="unlearnleak-mps-", dir=place))

"""Which process wrote something, and whether it still lives: by host, process number and when the process began.

Process numbers come again, in containers all the time; with the time of the beginning they do not.
"""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

UNKNOWN = 0
PR_SET_PDEATHSIG = 1  # man 2 prctl
LAUNCH = "UNLEARNLEAK_LAUNCH"
"""The environment variable that names a sweep's launch, by its folder, to the processes of its launcher."""


def launch() -> str | None:
    """The name of the launch that this process belongs to; None outside a sweep."""
    return Path(os.environ[LAUNCH]).name if os.environ.get(LAUNCH) else None


def host() -> str:
    """This machine and, on Linux, its space of process numbers: a container's 7 is not the host's 7."""
    try:
        return f"{socket.gethostname()}+{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return socket.gethostname()


def is_alive(pid: int, began_at: int) -> bool:
    """Whether process `pid` of this host is the one that began then, and lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and somebody else's
    return began(pid) in {began_at, UNKNOWN}


def began(pid: int) -> int:
    """When process `pid` began, in clock ticks since boot; -1 for one that is dead but not yet waited for."""
    try:
        # Fields: man 5 proc_pid_stat. The second, the program's name in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return UNKNOWN
    return -1 if fields[0] in {b"Z", b"X"} else int(fields[19])


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process that leads a session of its own, and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def signal_at_parents_end(number: int) -> None:
    """Let the kernel send this process a signal when the one that started it ends; only Linux does."""
    import ctypes  # noqa: PLC0415  (every command imports this module)

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)

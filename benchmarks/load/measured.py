"""One command as a process of its own: its seconds, and the most memory that it held."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds on the wall and of processor time, and the largest resident set in MiB; `said` is what was printed."""

    seconds: float
    busy: float
    mib: float
    said: str


def measured(*command: str | Path) -> Cost:
    """What a command costs, imports included. Ends this process where the command fails, with what it said."""
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen([sys.executable, *map(str, command)], stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)  # unlike RUSAGE_CHILDREN, of this one alone
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{said}")
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def sweep(folder: Path, *words: str) -> list[str]:
    """The command of a sweep whose store and runs lie in this folder."""
    place = [f"store={folder / 'store'}", f"runs={folder / 'runs'}", "logger=none", "runtime.device=cpu"]
    return ["-m", "unlearnleak.run", "-m", *place, *words]


def heading(*columns: str) -> str:
    """The first line of a part's table."""
    return f"{columns[0]:34}" + "".join(f"{column:>14}" for column in columns[1:])


def row(name: str, *figures: float | str) -> str:
    """One line of a part's table."""
    shown = [f"{each:,.1f}" if isinstance(each, float) else str(each) for each in figures]
    return f"{name:34}" + "".join(f"{each:>14}" for each in shown)

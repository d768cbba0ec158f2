"""A Python that has imported torch and Lightning already, for the many tests that need a process of their own.

One process imports them and then forks for every command: each one is a process of its own with its own arguments,
folder, environment, output and exit status, as from a shell, but for the seconds of its imports. The server process
of a sweep's pool is such a fork, too (`tests/pool_server.py`).
"""

import atexit
import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import pool_server
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Finished:
    """What a shell would see of a command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    python: "WarmPython"
    number: int
    pid: int

    def wait(self) -> Finished:
        """Wait for its end, once."""
        out, err = (self.python.folder / f"{name}{self.number}" for name in ("out", "err"))
        return Finished(self.python.answer(self.number, "code"), out.read_text(), err.read_text())


class WarmPython:
    """The forking process; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.orders = folder, 0
        self.answers: dict[tuple[int, str], int] = {}
        command = [sys.executable, "-m", "tests.commandline"]
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, **pipe)  # type: ignore[call-overload]

    def __enter__(self) -> "WarmPython":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def start(self, *words: str, cwd: Path = ROOT, env: Mapping[str, str] = os.environ, **environment: str) -> Running:
        """Start `python WORDS`, which begin with -m MODULE or -c CODE, in the environment `env` and what is named."""
        self.orders += 1
        order = {"number": self.orders, "words": words, "cwd": str(cwd), "environment": dict(env) | environment}
        self.process.stdin.write(json.dumps(order | {"folder": str(self.folder)}) + "\n")
        self.process.stdin.flush()
        return Running(self, self.orders, self.answer(self.orders, "pid"))

    def __call__(
        self, *words: str, cwd: Path = ROOT, env: Mapping[str, str] = os.environ, **environment: str
    ) -> Finished:
        """Run it to its end."""
        return self.start(*words, cwd=cwd, env=env, **environment).wait()

    def answer(self, number: int, what: str) -> int:
        """The process's number ("pid") or exit status ("code"); others that come before it are kept."""
        while (number, what) not in self.answers:
            whose, which, value = self.process.stdout.readline().split()
            self.answers[int(whose), which] = int(value)
        return self.answers.pop((number, what))


def child(order: dict[str, Any]) -> int:
    """The command itself: its exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    paths = order["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and path not in sys.path]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        path = Path(order["folder"]) / f"{name}{order['number']}"
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    forget_project_unless_here()
    how, what, *words = order["words"]
    if "-m" in words:  # a sweep
        pool_server.fork_when_started()
    sys.argv = [what, *words]
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__")
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def forget_project_unless_here() -> None:
    """In a copy of the project, import the copy."""
    here = Path.cwd()
    if here != ROOT and (here / "unlearnleak").is_dir():
        for name in list(sys.modules):
            if name.partition(".")[0] in ("unlearnleak", "hydra_plugins", "tests"):
                del sys.modules[name]


def tell(number: int, what: str, value: int) -> None:
    """Answer with a line, without a lock that a fork could find taken."""
    os.write(1, f"{number} {what} {value}\n".encode())


def wait_for(number: int, pid: int) -> None:
    """Tell the exit status of a command."""
    tell(number, "code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def serve() -> None:
    """Fork for every line of orders; answer with the process's number, and with its exit status when it has ended."""
    import torchvision  # noqa: F401

    import unlearnleak.pipeline.job
    import unlearnleak.screening.kmeans  # noqa: F401

    gc.freeze()  # a command that looks through what is imported already would copy its memory
    for order in map(json.loads, sys.stdin):
        process = os.fork()
        if process == 0:
            code = child(order)
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        tell(order["number"], "pid", process)
        threading.Thread(target=wait_for, args=[order["number"], process]).start()


if __name__ == "__main__":
    serve()

"""Runs `python -m unlearnleak.run` many times and pays for the import of torch and Lightning once.

A process imports them and then forks for every command: each one is a process of its own with its own arguments,
folder, environment, output and exit status, as from a shell.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE


@dataclass
class Finished:
    """What a shell would see of a command."""

    code: int
    out: str
    err: str


class CommandLine:
    """The forking process; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.orders = folder, 0
        command = [sys.executable, "-m", "tests.commandline"]
        root = Path(__file__).resolve().parents[1]
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=root, **pipe)  # type: ignore[call-overload]

    def __enter__(self) -> "CommandLine":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def __call__(self, *words: str, cwd: Path, **environment: str) -> Finished:
        self.orders += 1
        out, err = self.folder / f"out{self.orders}", self.folder / f"err{self.orders}"
        order = {"words": words, "cwd": str(cwd), "environment": environment, "out": str(out), "err": str(err)}
        self.process.stdin.write(json.dumps(order | {"number": self.orders}) + "\n")
        self.process.stdin.flush()
        while True:
            number, code = map(int, self.process.stdout.readline().split())
            if number == self.orders:  # earlier ones belong to a test that was ended before its command was
                return Finished(code, out.read_text(), err.read_text())


def child(order: dict[str, Any]) -> int:
    """The command itself: its exit status."""
    os.chdir(order["cwd"])
    os.environ.update(order["environment"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["unlearnleak", *order["words"]]
    try:
        runpy.run_module("unlearnleak.run", run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve() -> None:
    """Fork for every line of orders; answer with the exit status."""
    import torchvision  # noqa: F401

    import unlearnleak.pipeline.job  # noqa: F401

    gc.freeze()  # a command that looks through what is imported already would copy its memory
    for order in map(json.loads, sys.stdin):
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            code = child(order)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        print(order["number"], os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()

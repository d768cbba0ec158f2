"""Runs small jobs in processes of their own, each with a W&B service of its own, and lets a fault strike in the middle.

One process pays for the import of torch and forks for every job. W&B is not imported before the fork.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.logger.real import run_small
from unlearnleak.errors import UserError
from unlearnleak.pipeline import job
from unlearnleak.run import print_error

ROOT = Path(__file__).parents[2]


def services() -> list[int]:
    command = ["ps", "-o", "stat=,pid=,comm=", "--ppid", str(os.getpid())]
    children = [line.split() for line in subprocess.check_output(command, text=True).splitlines()]
    return [int(pid) for state, pid, name, *_ in children if name == "wandb-core" and state[0] != "Z"]


def kill_service() -> None:
    (service,) = services()
    os.kill(service, signal.SIGKILL)
    while services():
        time.sleep(0.02)


def die_when_logging() -> None:
    job.log_pictures = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def silence_server() -> None:
    """Without pictures: W&B asks the server about each table, and waits long for the answer."""
    job.log_pictures = lambda *_: None
    urlopen(os.environ["WANDB_BASE_URL"] + "/silence").read()


@dataclass
class Finished:
    code: int
    err: str


class FaultyJobs:
    """The forking process; a context manager."""

    def __enter__(self) -> "FaultyJobs":
        command = [sys.executable, "-m", "tests.logger.faulty"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.kill()  # torch takes its time to leave, and there is nothing to save
        self.process.wait()
        self.process.stdout.close()

    def __call__(self, folder: Path, *overrides: str, fault: str = "", **environment: str) -> Finished:
        """A small job; the function named `fault` strikes between the last stage and the logging."""
        order = {"folder": str(folder), "words": overrides, "fault": fault, "environment": environment}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return Finished(int(self.process.stdout.readline()), (folder / "err").read_text())


def child(order: dict[str, Any]) -> int:
    """The job itself: its exit status."""
    folder = Path(order["folder"])
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        del os.environ[name]
    os.environ.update({"HOME": str(folder), "NETRC": str(folder / "netrc")} | order["environment"])
    os.dup2(os.open(folder / "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    evaluate_run = job.evaluate_run

    def evaluate_then(pipeline: Any) -> dict[str, Any]:
        result = evaluate_run(pipeline)
        globals()[order["fault"]]()
        return result

    if order["fault"]:
        job.evaluate_run = evaluate_then
    try:
        run_small(folder, *order["words"])
    except UserError as error:
        print_error(error)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve() -> None:
    """Fork for every line of orders; answer with the exit status."""
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            code = child(json.loads(line))
            sys.stderr.flush()
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()

"""Small jobs with a W&B service of their own each, in the middle of which a fault strikes.

`python -m tests.logger.faulty FOLDER FAULT WORD...` is one job; the function FAULT is called between its last stage
and its logging.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.commandline import Finished, WarmPython
from tests.logger.account import without_wandb
from tests.logger.real import run_small
from unlearnleak.errors import UserError
from unlearnleak.pipeline import job
from unlearnleak.run import print_error


def nothing() -> None:
    """No fault."""


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


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault for fault in (nothing, kill_service, die_when_logging, silence_server)
}


def faulty_job(python: WarmPython, folder: Path, *words: str, fault: str = "nothing", **environment: str) -> Finished:
    """Run a small job in a process of its own, without the user's account and settings of W&B."""
    own = {"HOME": str(folder), "NETRC": str(folder / "netrc")}
    return python("-m", "tests.logger.faulty", str(folder), fault, *words, env=without_wandb() | own | environment)


def main(folder: str, fault: str, *words: str) -> int:
    """The job itself: its exit status."""
    evaluate_run = job.evaluate_run

    def evaluate_then(pipeline: Any) -> dict[str, Any]:
        result = evaluate_run(pipeline)
        FAULTS[fault]()
        return result

    job.evaluate_run = evaluate_then
    try:
        run_small(Path(folder), *words)
    except UserError as error:
        print_error(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

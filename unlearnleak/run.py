"""The command line.

    python -m unlearnleak.run unlearner=rl attack=param_diff              one job
    python -m unlearnleak.run -m dataset=svhn,cifar10 unlearner=rt,ng     a grid of jobs
    unlearnleak table outputs/runs/adhoc                                   what came out

Thin on purpose: Hydra composes the config, `unlearnleak.pipeline.job` runs it. Nothing heavy is imported before a job
starts, so that --help, --cfg and completion answer at once.
"""

import sys

from unlearnleak.machine import interrupts

if __name__ == "__main__" or sys.argv[0].endswith("unlearnleak"):  # the command itself, and nobody who imports this
    interrupts.end_at_once()  # what follows takes a second

import logging
import os
import signal
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

import unlearnleak
import unlearnleak.runs.resolvers
from unlearnleak.cli import commands
from unlearnleak.cli.completion import QUERY, answer, is_query
from unlearnleak.config.folder import config_folder
from unlearnleak.config.home import run_words
from unlearnleak.errors import Terminated, UserError
from unlearnleak.machine import streams
from unlearnleak.machine.printable import LINES, printable, write_any_letter
from unlearnleak.machine.secrets import masked
from unlearnleak.runs.launch import launch_folder
from unlearnleak.sweep import master

SAYS_ALL = {"dry_run=true", "--help", "--cfg", "--info"}
"""Words that make a run print all that it has to give."""


@hydra.main(config_path=config_folder(), config_name="config", version_base="1.3")
def job(config: DictConfig) -> Any:
    """One job of a single run or of a sweep."""
    from unlearnleak.pipeline.job import run_job  # noqa: PLC0415
    from unlearnleak.sweep.alone import run_alone  # noqa: PLC0415  (torch and Lightning: seconds)

    context: Any = HydraConfig.get()
    sweep, directory = context.mode == RunMode.MULTIRUN, Path(context.runtime.output_dir)
    if config.dry_run or launch_folder() is None:
        return run_alone(config, directory, sweep=sweep, hydra=context)
    return run_job(config, directory, sweep=sweep, hydra=context)


def terminated(signum: int, frame: object) -> None:
    """SIGTERM ends the job in an orderly way: status and W&B are closed with the exit code that a shell would show."""
    raise Terminated(128 + signum)


def print_error(error: BaseException) -> None:
    """Tell a person what went wrong, on standard error, without a stack trace."""
    print(f"\nError: {printable(masked(str(error)), keep=LINES)}", file=sys.stderr)
    if isinstance(error, HydraException | OmegaConfBaseException):
        from unlearnleak.config.hints import allowed_beside  # noqa: PLC0415  (only for this mistake)

        if hint := allowed_beside(str(error), config_folder(), sys.argv[1:]):
            print(hint, file=sys.stderr)


def run_command(words: list[str]) -> int:
    """Run a command that is no run; its exit status, which tells also whether what it printed was lost.

    Ctrl-C ends it with one line.
    """
    try:
        code = commands.main(words)
    except SystemExit as end:  # argparse's, as after --help
        code = int(end.code or 0)
    except KeyboardInterrupt:
        print(f"\nInterrupted: `unlearnleak {printable(words[0])}` did not come to its end.", file=sys.stderr)
        return 130
    return code or said_in_vain()


def said_in_vain() -> int:
    """The exit status of what only prints: 1 where that was lost."""
    return int(streams.failure() is not None)


def start() -> None:
    """Answer a shell's question for completion, or let Hydra begin; where all that it says is lost, exit with 1."""
    try:
        if is_query(sys.argv[1:]):
            print(answer(sys.argv[2].removeprefix(QUERY), commands.COMMANDS, job))
        else:
            job()
    except SystemExit as end:  # Hydra's, as after --help
        if end.code:
            raise
    if SAYS_ALL & set(sys.argv[1:]):
        sys.exit(said_in_vain())


def main() -> None:
    """Entry point of `python -m unlearnleak.run` and of the console script."""
    streams.guard_streams()
    write_any_letter()
    if sys.argv[1:2] and sys.argv[1] in (*commands.COMMANDS, *commands.RENAMED):
        interrupts.raise_from_now_on()
        sys.exit(run_command(sys.argv[1:]))
    if "--version" in sys.argv[1:]:
        print(f"unlearnleak {unlearnleak.__version__}")  # Hydra would tell its own
        sys.exit(said_in_vain())
    if (word := next(iter(sys.argv[1:]), "")).isidentifier():
        known = ", ".join(commands.COMMANDS)
        print_error(
            UserError(f"There is no command {word!r}. Commands: {known}. A run is told settings: unlearner=rt.")
        )
        sys.exit(1)
    sys.argv[1:] = run_words(sys.argv[1:])
    os.environ.pop("UNLEARNLEAK_LAUNCH", None)  # of an earlier sweep: whoever types a command is not part of one
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra hands errors on; how they are shown is decided here
    signal.signal(signal.SIGTERM, terminated)
    master.install()
    try:
        interrupts.raise_from_now_on()
        start()
    except KeyboardInterrupt:
        print(interrupts.LINE, file=sys.stderr)
        sys.exit(interrupts.CODE)
    except Exception as error:
        if interrupts.heard():  # a library has made another error of it
            print(interrupts.LINE, file=sys.stderr)
            sys.exit(interrupts.CODE)
        explain(error)
        sys.exit(1)


def explain(error: Exception) -> None:
    """Say why a run has ended: a mistake in its own words, a surprise with where its stack trace is."""
    if isinstance(error, UserError | HydraException | OmegaConfBaseException):
        print_error(error)
    elif isinstance(error, OSError):
        print_error(UserError(f"The run's files cannot be written: {error}. Free the disk or choose runs=PATH."))
    elif "unlearnleak.pipeline.job" not in sys.modules:  # Hydra's own words about its arguments: no job has begun
        print_error(error)
    else:
        logging.getLogger("unlearnleak").debug("unexpected", exc_info=True)
        from unlearnleak.config.build import plugin_at_fault  # noqa: PLC0415  (it imports pydantic)

        place = plugin_at_fault(error)
        where = f" in the plugin {place}" if place else ""
        print_error(RuntimeError(f"unexpected {type(error).__name__}{where}: {error}"))
        whom = "whoever made the plugin" if place else "us: please report it"
        print(f"The stack trace is in the run's run.log and status.json, for {whom}.", file=sys.stderr)


if __name__ == "__main__":
    main()

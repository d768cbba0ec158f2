"""One job, from a composed config to its result, whatever happens on the way.

What a sweep knows of a job is what the job writes into its folder: `run_job` says so at every
end that it can still hear of.
"""

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from unlearnleak.config.build import build, component_name, resolved
from unlearnleak.config.recipes import missing_recipes
from unlearnleak.errors import GpuFull, Incompatible, Terminated
from unlearnleak.logger.base import RunLogger
from unlearnleak.machine.device import set_threads
from unlearnleak.machine.graphs import allow_graphs
from unlearnleak.machine.memory import shortage_told
from unlearnleak.machine.secrets import keep_from_logs, without_secrets
from unlearnleak.pipeline.evaluate import VERSION, evaluate_run
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.record import description, log_pictures, provenance, summary
from unlearnleak.pipeline.sheet import contact_sheet
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.runs.launch import launch_folder, request_stop, stop_requested
from unlearnleak.runs.place import CONFIG, check_place, in_use, keep_earlier, record_config
from unlearnleak.runs.sheet import write_sheet
from unlearnleak.runs.status import RESULT, STATUS, mark, mark_quietly, read_json, read_result, running, write_result
from unlearnleak.store import Busy, Store, held, key_of

log = logging.getLogger(__name__)


class JobExited(RuntimeError):
    """A job of a sweep called sys.exit: an end of that job, not of the sweep."""


def finished(pipeline: Pipeline, directory: Path, config: DictConfig) -> dict[str, Any] | None:
    """The result of an earlier run of the same job in the same place, if it is whole and its inputs are the same.

    Of a job that is to stop at an earlier stage: that stage's artifact, in a few words.
    """
    if not pipeline.whole:
        return finished_stage(pipeline, directory)
    result = read_result(directory / RESULT)
    if result is None or result.get("identity") != identity(pipeline, config) or not result.get("logged", True):
        return None
    return result


def finished_stage(pipeline: Pipeline, directory: Path) -> dict[str, Any] | None:
    """What a job that stops at a stage has said before, if that stage is still stored."""
    before, stage = read_json(directory / STATUS) or {}, pipeline.last
    stored = pipeline.plan.store.contains(stage.name, stage.payload)
    said = {"stage": stage.name, "key": stage.key}
    return said if stored and before.get("status") == "done" and said.items() <= before.items() else None


def identity(pipeline: Pipeline, config: DictConfig) -> dict[str, Any]:
    """What decides whether a result can stand for a job: all its stages, the gate, the classes, where it was logged."""
    return {
        "evaluation": VERSION,
        "keys": [stage.key for stage in pipeline.judged],
        "gate": vars(pipeline.plan.gate),
        "classes": list(pipeline.requested_classes),
        "logger": resolved(config.logger, "logger"),
    } | ({"measured": pipeline.key("evaluation")} if "evaluation" in pipeline.stages else {})


def start(logger: RunLogger, config: DictConfig, directory: Path, pipeline: Pipeline) -> None:
    """Open the logger's run: grouped by sweep, tagged with the words of the command line and the data's name."""
    names, settings = pipeline.plan.names, without_secrets(resolved(config, "config"))
    if names["dataset"] != component_name(config.dataset):
        settings["dataset"]["name"] = names["dataset"]
    logger.start(
        directory=directory,
        name=directory.name,
        config=settings,
        group=str(config.sweep_name),
        job_type=names["attack"],
        tags=[name for group, name in names.items() if (group, name) != ("defense", "none")],
    )


def run_job(
    config: DictConfig, directory: Path, *, sweep: bool, hydra: DictConfig | None = None
) -> dict[str, Any] | None:
    """Run one job in `directory` and return its result; None where it was skipped, or left to another process.

    `hydra` is Hydra's own part of the config, to be kept beside the result.

    Raises:
        UserError: the config or the machine does not allow it; the message is for people.
        Exception: anything else; the stack trace is in the run's log file, and the status file says "failed".
    """
    keep_from_logs()
    check_place(directory)
    try:
        with to_itself(directory, config):
            return run_there(config, directory, sweep=sweep, hydra=hydra)
    except Busy as error:
        mark_quietly(directory, "waiting", why=str(error))
        return None


@contextmanager
def to_itself(directory: Path, config: DictConfig) -> Iterator[None]:
    """Have a run's folder to oneself: what is written there before or after belongs to another job.

    Raises:
        Busy: in a sweep, another process has this very run in hand.
    """
    try:
        root = config.store
    except OmegaConfBaseException:  # which the plan is going to say
        root = None
    if not isinstance(root, str) or not root:
        yield
        return
    store = Store(root)
    lock, there = run_lock(store, directory), store.root.exists()
    try:
        with held(lock, wait=launch_folder() is None):
            yield
    finally:
        if not there:  # a job that was refused leaves no store behind
            with suppress(OSError):  # it holds something by now
                lock.parent.rmdir()
                store.root.rmdir()


def run_lock(store: Store, directory: Path) -> Path:
    """The lock of the run in `directory`, which whoever writes into that folder holds."""
    return store.lock(f"run-{key_of({'directory': str(directory.absolute())})}")


def run_there(
    config: DictConfig, directory: Path, *, sweep: bool, hydra: DictConfig | None = None
) -> dict[str, Any] | None:
    """`run_job`, by whoever has the folder to itself."""
    if why := stop_requested():
        mark(directory, "skipped", why=why)
        return None
    try:
        with shortage_told():
            result = execute(config, directory, hydra)
    except Busy as error:
        mark_quietly(directory, "waiting", why=str(error))
        return None
    except Incompatible as error:
        mark(directory, "skipped" if sweep else "failed", why=str(error))
        if not sweep:
            raise
        log.info("skipped: %s", error)
        return None
    except BaseException as error:
        failed(error, directory, sweep=sweep, fail_fast=bool(config.get("fail_fast")))
        if sweep and isinstance(error, SystemExit) and not isinstance(error, Terminated):
            raise JobExited(f"the job called sys.exit({error.code})") from error
        raise
    mark(directory, "done", **({} if "verdict" in result else result))
    return result


def failed(error: BaseException, directory: Path, *, sweep: bool, fail_fast: bool) -> None:
    """Write down why a job failed: status and log file with the stack trace; end the sweep where that is wanted."""
    interrupted = isinstance(error, Terminated | KeyboardInterrupt)
    why = "interrupted: it was told to end" if interrupted else f"{type(error).__name__}: {error}"
    before = read_json(directory / STATUS) or {}
    if before.get("status") != "done":  # a finished run stays one: this time the job had not even begun
        mark(directory, "failed", why=why, traceback=traceback.format_exc())
    log.debug("This job failed.", exc_info=True)
    if sweep:  # the sweep goes on with the next job
        log.error("failed: %s", error)
    if fail_fast and not isinstance(error, GpuFull):  # its launcher may try it again with fewer beside it, and tells
        request_stop(f"fail_fast=true, and {directory.name} had failed: {why}")


def execute(config: DictConfig, directory: Path, hydra: DictConfig | None = None) -> dict[str, Any]:
    """Plan, run the stages, evaluate, record; nothing of it where the job has finished before.

    Raises:
        Busy: in a sweep, another process has a stage of this job in hand.
    """
    wait = launch_folder() is None  # a sweep has better things to do with a device than to wait on it
    told = None  # a sweep says so of all its jobs at once
    if hydra and wait and "choices" in hydra.runtime:
        told = missing_recipes(config, hydra.runtime.choices, hydra.runtime.config_sources)
    if not in_use(directory):  # else it is seen first whose it is
        record_config(directory, config, hydra)
    plan = make_plan(config)
    assert plan.device  # that there is such a device is seen before anything else begins
    set_threads(plan.runtime.threads)
    allow_graphs(plan.runtime.cuda_graphs)
    pipeline = Pipeline(plan, wait=wait)
    logger = build(config.logger, RunLogger, "logger")  # type: ignore[type-abstract]
    result = finished(pipeline, directory, config)
    if result is None and os.path.lexists(directory / RESULT):
        keep_earlier(directory, identity(pipeline, config) if pipeline.whole else None)
    record_config(directory, config, hydra)
    if result is not None:
        log.info("%s\n  (finished before; nothing to do)", summary(result, directory))
        return result
    if told:
        log.info("%s", told)
    with running(directory):
        if not pipeline.whole:
            return run_up_to(pipeline, directory)
        result = run_and_log(pipeline, logger, config, directory)
    if not (directory / CONFIG).exists():  # somebody has removed the folder meanwhile
        record_config(directory, config, hydra)
    log.info("%s", summary(result, directory))
    return result


def run_up_to(pipeline: Pipeline, directory: Path) -> dict[str, Any]:
    """Compute or find the stages up to the one that the job is to stop at."""
    for stage in pipeline.needed:
        artifact = pipeline.engine.artifact(stage)
    said = {"stage": artifact.stage, "key": artifact.key}
    log.info("%s", summary(said, directory))
    return said


def run_and_log(pipeline: Pipeline, logger: RunLogger, config: DictConfig, directory: Path) -> dict[str, Any]:
    """Run all stages, evaluate, and record the result in its file and with the logger."""
    start(logger, config, directory, pipeline)
    exit_code = 1
    try:
        result = evaluate_run(pipeline)
        described = description(pipeline, str(config.sweep_name))
        result = described | result | provenance(pipeline) | {"identity": identity(pipeline, config)}
        early = {"logged": False, "logged_why": "the process ended before the run was logged"}
        write_result(directory / RESULT, result | early)  # before a logger can spoil it
        if (sheet := contact_sheet(pipeline)) is not None:
            write_sheet(directory, sheet[0])
        log_pictures(logger, pipeline, result, sheet)
        logger.summary(result)
        exit_code = 0
    finally:
        logger.finish(exit_code=exit_code)
    result |= {"logged": logger.broken is None, "logged_why": logger.broken}
    return write_result(directory / RESULT, result)

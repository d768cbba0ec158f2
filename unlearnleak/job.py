"""One job, from a composed config to its result, whatever happens on the way."""

import logging
import traceback
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearnleak.config import build, resolved
from unlearnleak.errors import Incompatible
from unlearnleak.evaluation import VERSION, evaluate_run
from unlearnleak.logger.base import RunLogger
from unlearnleak.pipeline import Pipeline
from unlearnleak.plan import make_plan
from unlearnleak.record import description, log_pictures, provenance, summary
from unlearnleak.runtime import set_threads
from unlearnleak.status import RESULT, STATUS, mark, read_json, write_json

log = logging.getLogger(__name__)


def finished(pipeline: Pipeline, directory: Path, config: DictConfig) -> dict[str, Any] | None:
    """The result of an earlier run of the same job in the same place, if it is whole and its inputs are the same."""
    result = read_json(directory / RESULT)
    if result is None or result.get("identity") != identity(pipeline, config):
        return None
    return result


def identity(pipeline: Pipeline, config: DictConfig) -> dict[str, Any]:
    """What decides whether a result can stand for a job: all its stages, the gate, the classes, where it was logged."""
    return {
        "evaluation": VERSION,
        "keys": [pipeline.key(stage) for stage in ("original", "unlearned", "verdict")],
        "gate": vars(pipeline.plan.gate),
        "classes": list(pipeline.named_classes()),
        "logger": resolved(config.logger, "logger"),
    }


def start(logger: RunLogger, config: DictConfig, directory: Path, pipeline: Pipeline) -> None:
    """Open the logger's run: grouped by sweep, tagged with the words of the command line."""
    names = pipeline.plan.names
    logger.start(
        directory=directory,
        name=directory.name,
        config=resolved(config, "config"),
        group=str(config.sweep_name),
        job_type=names["attack"],
        tags=list(names.values()),
    )


def run_job(config: DictConfig, directory: Path, *, sweep: bool) -> dict[str, Any] | None:
    """Run one job in `directory` and return its result; None where it was skipped.

    Raises:
        UserError: the config or the machine does not allow it; the message is for people.
        Exception: anything else; the stack trace is in the run's log file, and the status file says "failed".
    """
    try:
        result = execute(config, directory)
    except Incompatible as error:
        mark(directory, "skipped" if sweep else "failed", why=str(error))
        if not sweep:
            raise
        log.info("skipped: %s", error)
        return None
    except BaseException as error:
        before = read_json(directory / STATUS) or {}
        if before.get("status") != "done":  # a finished run stays one: this time the job had not even begun
            mark(directory, "failed", why=f"{type(error).__name__}: {error}", traceback=traceback.format_exc())
        log.debug("This job failed.", exc_info=True)
        if sweep:  # Hydra goes on with the next job, and shows the first failure only after the last one
            log.error("failed: %s", error)
        raise
    mark(directory, "done")
    return result


def execute(config: DictConfig, directory: Path) -> dict[str, Any]:
    """Plan, run the stages, evaluate, record."""
    plan = make_plan(config)
    set_threads(plan.threads)
    pipeline = Pipeline(plan)
    logger = build(config.logger, RunLogger, "logger")  # type: ignore[type-abstract]
    if result := finished(pipeline, directory, config):
        log.info("%s\n  (finished before; nothing to do)", summary(result, directory))
        return result
    mark(directory, "running")
    start(logger, config, directory, pipeline)
    exit_code = 1
    try:
        result = evaluate_run(pipeline)
        described = description(pipeline, str(config.sweep_name))
        result = described | result | provenance(pipeline) | {"identity": identity(pipeline, config)}
        log_pictures(logger, pipeline, result)
        logger.summary(result)
        write_json(directory / RESULT, result)
        exit_code = 0
    finally:
        logger.finish(exit_code=exit_code)
    log.info("%s", summary(result, directory))
    return result

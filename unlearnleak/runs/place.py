"""A run's own folder: it holds no other runs, and a result of another job that lies in it is kept, not overwritten."""

import logging
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from unlearnleak.errors import UserError
from unlearnleak.machine.secrets import masked
from unlearnleak.runs.sheet import SHEET
from unlearnleak.runs.status import LOG, RESULT, STATUS, mark, read_json, read_result, read_status
from unlearnleak.store.temporary import name_beside

log = logging.getLogger(__name__)

CONFIG = ".hydra"
"""The folder in a run's that holds its configuration, in the files that Hydra would write."""
EARLIER = ".earlier"
"""The folder beside runs for those whose place another job has taken; `table` shows it where it is named."""
PARTS = (CONFIG, "wandb", LOG, STATUS, SHEET)
"""What a run consists of besides its result."""


def check_place(directory: Path) -> None:
    """See that no run lies in another one's folder, where nobody would find it.

    Raises:
        UserError: `directory` holds runs, or lies inside a run.
    """
    for above in directory.absolute().parents:
        if is_run(above):
            raise UserError(
                f"{directory} lies in the folder of a run, {above}: runs in there are not found. Name another folder "
                f"with runs, sweep_name or hydra.run.dir; or move that run ({STATUS}, {RESULT}) to a folder of its own."
            )
    if inner := next(runs_inside(directory), None):
        raise UserError(
            f"{directory} holds runs, such as {inner}, and would hide them as a run itself: name a folder of its own "
            "with hydra.run.dir, or leave that out."
        )


def is_run(folder: Path) -> bool:
    """Whether a run has written its status there."""
    return {"status", "pid"} <= (read_json(folder / STATUS) or {}).keys()


def runs_inside(directory: Path) -> Iterator[Path]:
    """The runs below a folder, as far as `table` would look."""
    for place, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in PARTS]
        if STATUS in files and Path(place) != directory and is_run(Path(place)):
            yield Path(place)


def in_use(directory: Path) -> bool:
    """Whether a result lies there, or a living process is about to leave one.

    Its status is looked at first: a process that ends between the two looks has left its result by then.
    """
    return (read_status(directory) or {}).get("status") == "running" or os.path.lexists(directory / RESULT)


def keep_earlier(directory: Path, identity: dict[str, Any] | None) -> Path | None:
    """Move the run in `directory` to EARLIER beside it where its result is not one of this job; returns its new place.

    `identity` is what the job's result will hold, as `unlearnleak.pipeline.job.identity` gives it; None where it will
    leave none. Killed at any instant, the next call goes on: the result moves last.
    """
    path = directory.absolute() / RESULT
    if not holds_another(directory, identity):
        return None
    before, kept = read_result(path), place_for(path)
    kept.mkdir(parents=True, exist_ok=True)
    let_go_of_log(directory)
    for name in PARTS:
        if os.path.lexists(path.with_name(name)) and not os.path.lexists(kept / name):
            path.with_name(name).rename(kept / name)
    if before is not None and (read_json(kept / STATUS) or {}).get("status") != "done":  # a sweep says "queued" first
        mark(kept, "done", time=path.stat().st_mtime)
    path.rename(kept / RESULT)
    what = (
        "another result, of other data, settings or versions" if before else f"a {RESULT} that is not as it was written"
    )
    log.warning("%s held %s. It is kept: `unlearnleak table %s` shows it.", directory, what, shlex.quote(str(kept)))
    return kept


def holds_another(directory: Path, identity: dict[str, Any] | None) -> bool:
    """Whether `keep_earlier` is going to find a result there that is not this job's."""
    if not os.path.lexists(directory / RESULT):
        return False
    before = read_result(directory / RESULT)
    return before is None or not same_job(before.get("identity"), identity)


def same_job(before: Any, identity: dict[str, Any] | None) -> bool:
    """Whether two identities differ in nothing but where the run is logged."""
    if not isinstance(before, dict) or identity is None:
        return False
    return before | {"logger": None} == identity | {"logger": None}


def place_for(result: Path) -> Path:
    """Where the run of that result is kept: named by the run and by when it ended, the same whenever it is asked."""
    ended = time.strftime("%Y%m%d-%H%M%S", time.localtime(result.lstat().st_mtime))
    place = result.parent.parent / EARLIER / f"{result.parent.name}@{ended}"
    number = 1
    while os.path.lexists(place / RESULT):
        number += 1
        place = place.with_name(f"{result.parent.name}@{ended}.{number}")
    return place


def let_go_of_log(directory: Path) -> None:
    """Close the log file in `directory`, which logging opens anew, at its place, when there is more to say."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) == directory.absolute() / LOG:
            handler.close()


def leave_nothing(directory: Path) -> None:
    """Take away what Hydra makes before a job is asked for: a folder with a log in it and nothing else.

    The sweep's folder goes with it where that held nothing but this.
    """
    let_go_of_log(directory)
    with suppress(OSError):  # it is not there, or not empty
        if [path.name for path in directory.iterdir()] == [LOG]:
            (directory / LOG).unlink()
        directory.rmdir()
        directory.parent.rmdir()


def record_config(directory: Path, config: DictConfig, hydra: DictConfig | None) -> None:
    """Write a job's configuration into its folder, in the files that Hydra would write.

    Not left to Hydra, which writes them before anybody can see whose folder it is. `hydra` is Hydra's own part; without
    it nothing is written.
    """
    if hydra is None:
        return
    parts = {"config": config, "hydra": OmegaConf.create({"hydra": hydra}), "overrides": hydra.overrides.task}
    folder = directory / CONFIG
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        path = folder / f"{name}.yaml"
        temporary = name_beside(path)
        try:
            temporary.write_text(masked(OmegaConf.to_yaml(content)))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

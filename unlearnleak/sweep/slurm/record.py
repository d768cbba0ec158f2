"""Which job array holds which jobs of a sweep, so that another launch of the same sweep finds them in the queue.

One file per array in SWEEP/.slurm, written before sbatch is called. The array's SLURM name is the file's, so that a
launching process killed at any instant leaves no array that the next one cannot tell:

- killed before sbatch: a record without an array; nothing refers to it and it is removed later;
- killed after sbatch, but before submitit has put the jobs' files in place: those jobs find no file and end by
  themselves; they are not taken up, and their work is submitted again;
- two launches at once: both wait for what they find; what both submit, the store computes once.
"""

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from unlearnleak.runs.status import read_json, write_json
from unlearnleak.sweep.slurm.queue import Listed

log = logging.getLogger(__name__)

FOLDER = ".slurm"
SUBDIR = "hydra.sweep.subdir="
STALE_S = 3600.0
"""A record this old whose array is not in the queue is of no use; a younger one may be about to be submitted."""


@dataclass(frozen=True)
class Array:
    """One job array: its SLURM name, where submitit keeps its files, and the keys of its jobs in order."""

    name: str
    folder: Path
    keys: tuple[str, ...]


class Record(BaseModel):
    """What is read of an array's file."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
    folder: str
    jobs: list[str]
    time: float


@dataclass(frozen=True)
class Known:
    """A job that an earlier launch submitted and that is still in the queue."""

    job_id: str
    array: Array


def keys_of(job_overrides: Sequence[Sequence[str]]) -> list[str]:
    """What names each job within its sweep: its folder where that tells all jobs apart, else all of its words."""
    folders = [next((word for word in words if word.startswith(SUBDIR)), "") for words in job_overrides]
    if all(folders) and len(set(folders)) == len(folders):
        return folders
    return [" ".join(sorted(words)) for words in job_overrides]


def write(sweep: Path, prefix: str, folder: Path, keys: Iterable[str]) -> Array:
    """Record an array that is about to be submitted, under a name that no other has."""
    array = Array(f"{prefix}-{uuid.uuid4().hex[:12]}", folder.absolute(), tuple(keys))
    content = {"folder": str(array.folder), "jobs": list(array.keys), "time": time.time()}
    write_json(sweep / FOLDER / f"{array.name}.json", content)
    return array


def remove(sweep: Path, array: Array) -> None:
    """Forget an array: all of its jobs ended, or it was refused or cancelled."""
    (sweep / FOLDER / f"{array.name}.json").unlink(missing_ok=True)


def any_in(sweep: Path) -> bool:
    """Whether an earlier launch left records: only then is the queue worth asking."""
    return any((sweep / FOLDER).glob("*.json"))


def known(sweep: Path, queue: Iterable[Listed]) -> dict[str, Known]:
    """The sweep's jobs that are in the queue, by key. Old records of arrays that are not are removed."""
    found: dict[str, Known] = {}
    by_name: dict[str, list[Listed]] = {}
    for job in queue:
        by_name.setdefault(job.name, []).append(job)
    for path in sorted((sweep / FOLDER).glob("*.json")):
        try:
            content = Record.model_validate(read_json(path))
        except ValidationError:
            log.warning("%s is no record of a job array and is left out", path)
            continue
        array = Array(path.stem, Path(content.folder), tuple(content.jobs))
        if array.name not in by_name and time.time() - content.time > STALE_S:
            remove(sweep, array)
        for job in by_name.get(array.name, []):
            if job.index < len(array.keys) and (array.folder / f"{job.job_id}_submitted.pkl").exists():
                found[array.keys[job.index]] = Known(job.job_id, array)
    return found

"""Waves: the distinct originals of a grid, then the distinct unlearned models, then the evidence, then the jobs.

Each wave needs only what the waves before it have stored, so that its tasks can run side by side and none waits for
another. What is stored already is in no wave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearnleak.errors import UserError
from unlearnleak.pipeline.plan import STAGES, make_plan
from unlearnleak.runs.launch import STAGE_JOBS
from unlearnleak.runs.place import check_place
from unlearnleak.store import Store
from unlearnleak.sweep.grid import Job, planned

NAMES = {"original": "originals", "unlearned": "unlearned", "evidence": "evidence", "verdict": "verdicts"}
MIXED, REST = "jobs", "results"
"""Waves of jobs: those that end at different stages, and those whose last stage another job of the grid computes."""


@dataclass
class Task:
    """One thing to launch: a stage that several jobs need, or a job itself.

    `needs` are the (stage, key) that must be stored before, `gives` is the one that it stores. A job has an `identity`
    that its result will hold; a job that stops at a stage, and a stage, have none.
    """

    overrides: list[str]
    directory: Path
    needs: list[tuple[str, str]]
    gives: tuple[str, str]
    payload: dict[str, Any]
    store: Store
    identity: dict[str, Any] | None


@dataclass
class Wave:
    """Tasks that may run at the same time: the jobs themselves, or stages that they share.

    `stored` counts the stages that need no task.
    """

    name: str
    tasks: list[Task]
    stored: int = 0
    jobs: bool = False

    def described(self, sweep_dir: Path) -> dict[str, Any]:
        """What the launch's plan keeps of it."""
        tasks = [str(task.directory.relative_to(sweep_dir)) for task in self.tasks]
        return {"name": self.name, "stored": self.stored, "jobs": self.jobs, "tasks": tasks}


def make_waves(jobs: Sequence[Job], sweep_dir: Path) -> list[Wave]:
    """The waves of all jobs that are still to do; empty ones are left out."""
    todo = [job for job in jobs if job.state == "todo"]
    last = [list(job.keys)[-1] for job in todo]
    waves = []
    for stage in STAGES[:-1]:
        needing = [job for job, end in zip(todo, last, strict=True) if stage in job.keys and stage != end]
        waves.append(stage_wave(stage, needing, sweep_dir))
    seen: set[tuple[str, str]] = set()
    name = NAMES[last[0]] if len(set(last)) == 1 else MIXED
    wave, rest = Wave(name, [], jobs=True), Wave(REST, [], jobs=True)
    for job, end in zip(todo, last, strict=True):
        gives = (end, job.keys[end])
        (rest if gives in seen else wave).tasks.append(task_of(job, end, job.directory, job.overrides, job.identity))
        seen.add(gives)
    return [wave for wave in [*waves, wave, rest] if wave.tasks or wave.stored]


def stage_wave(stage: str, jobs: Sequence[Job], sweep_dir: Path) -> Wave:
    """One task for every distinct key of a stage that is not stored yet; the first job that needs it stands for all."""
    wave = Wave(NAMES[stage], [])
    first: dict[str, Job] = {}
    for job in jobs:
        first.setdefault(job.keys[stage], job)
    for key, job in first.items():
        assert job.store is not None
        if job.store.contains(stage, job.payloads[stage]):
            wave.stored += 1
            continue
        subdir = f"{STAGE_JOBS}/{stage}/{key}"
        overrides = [*job.overrides, f"until={stage}"]
        wave.tasks.append(task_of(job, stage, sweep_dir / subdir, overrides, None))
    return wave


def task_of(job: Job, stage: str, directory: Path, overrides: list[str], identity: dict[str, Any] | None) -> Task:
    """The task that runs `job` up to `stage` in `directory`."""
    assert job.store is not None
    before = STAGES[: STAGES.index(stage)]
    return Task(
        overrides=overrides,
        directory=directory,
        needs=[(name, job.keys[name]) for name in before],
        gives=(stage, job.keys[stage]),
        payload=job.payloads[stage],
        store=job.store,
        identity=identity,
    )


def count(jobs: Sequence[Job]) -> dict[str, int]:
    """How many jobs have nothing to do, by the reason."""
    return {state: sum(job.state == state for job in jobs) for state in ("finished", "skipped", "failed")}


def plan_summary(jobs: Sequence[Job], waves: Sequence[Wave]) -> str:
    """What a sweep is going to do, in one line."""
    counts = count(jobs)
    known = {
        "finished": "finished before",
        "skipped": "skipped, as their parts do not fit",
        "failed": "that cannot be planned",
    }
    asides = [f"{counts[state]} {words}" for state, words in known.items() if counts[state]]
    text = f"jobs {len(jobs)}" + (f" ({'; '.join(asides)})" if asides else "")
    parts = []
    for wave in waves:
        total = len(wave.tasks) + wave.stored
        parts.append(f"{wave.name} {total}" + (f" ({wave.stored} stored)" if wave.stored else ""))
    return f"{text}: {', '.join(parts) or 'nothing to do'}"


def dry_run_summary(config: DictConfig, directory: Path, *, sweep: bool = False) -> str:
    """What a single run is going to do, or a job of a sweep that is not planned as a whole.

    Raises:
        UserError: it cannot be run.
    """
    check_place(directory)
    job = planned(config, [], directory)
    if sweep and job.state == "skipped":
        return f"skipped: {job.why}"
    if job.why:
        raise UserError(job.why.removeprefix(f"{UserError.__name__}: "))
    assert make_plan(config).device  # unlike a sweep's, a single run's is on this machine
    return plan_summary([job], make_waves([job], directory.parent))

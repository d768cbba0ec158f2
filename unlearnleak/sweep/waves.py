"""Waves: the distinct originals of a grid, then the distinct unlearned models, and so on by level; then the jobs.

Each wave needs only what the waves before it have stored, so that its tasks can run side by side and none waits for
another. What is stored already is in no wave, nor what has been computed to plan the grid: the stages of level 0.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearnleak.errors import UserError
from unlearnleak.pipeline.outdated import earlier
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.runs.launch import STAGE_JOBS
from unlearnleak.runs.place import check_place
from unlearnleak.store import Store
from unlearnleak.sweep.grid import Job, Node, planned

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
    waves = [stage_wave(shared, sweep_dir) for shared in by_name(todo)]
    seen: set[tuple[str, str]] = set()
    ends = {job.last.name: job.last.plural for job in todo}
    name = next(iter(ends.values())) if len(ends) == 1 else MIXED
    wave, rest = Wave(name, [], jobs=True), Wave(REST, [], jobs=True)
    for job in todo:
        needs = [node.id for node in job.nodes[:-1]]
        task = task_of(job, job.last, needs, job.directory, job.overrides, job.identity)
        (rest if job.last.id in seen else wave).tasks.append(task)
        seen.add(job.last.id)
    return [wave for wave in [*waves, wave, rest] if wave.tasks or wave.stored]


def by_name(jobs: Sequence[Job]) -> list[list[tuple[Node, Job]]]:
    """The distinct stages that jobs need before their last, each with the first job that needs it: a list a name.

    In the order of levels: a name's is that of its highest stage, so none comes before one that it is made from.
    """
    found: dict[str, dict[tuple[str, str], tuple[Node, Job]]] = {}
    for job in jobs:
        for node in job.nodes[:-1]:
            if node.level > 0:
                found.setdefault(node.name, {}).setdefault(node.id, (node, job))
    lists = [list(each.values()) for each in found.values()]
    return sorted(lists, key=lambda each: max(node.level for node, _ in each))


def stage_wave(shared: Sequence[tuple[Node, Job]], sweep_dir: Path) -> Wave:
    """One task for every stage that is not stored yet; the first job that needs it stands for all."""
    wave = Wave(shared[0][0].plural, [])
    for node, job in shared:
        assert job.store is not None
        if job.store.contains(node.name, node.payload):
            wave.stored += 1
            continue
        subdir = f"{STAGE_JOBS}/{node.name}/{node.key}"
        overrides = [*job.overrides, f"until={node.until}"]
        wave.tasks.append(task_of(job, node, list(node.needs), sweep_dir / subdir, overrides, None))
    return wave


def task_of(
    job: Job,
    node: Node,
    needs: list[tuple[str, str]],
    directory: Path,
    overrides: list[str],
    identity: dict[str, Any] | None,
) -> Task:
    """The task that runs `job` up to the stage `node` in `directory`."""
    assert job.store is not None
    return Task(
        overrides=overrides,
        directory=directory,
        needs=needs,
        gives=node.id,
        payload=node.payload,
        store=job.store,
        identity=identity,
    )


def tell_older(waves: Sequence[Wave]) -> list[str]:
    """What is computed anew though an earlier version of the project has stored it, in a sentence for each kind."""
    found: Counter[tuple[str, str]] = Counter()
    for task in (task for wave in waves for task in wave.tasks):
        for version, payload in earlier(task.payload):
            if task.store.contains(task.gives[0], payload):
                found[task.gives[0], version] += 1
    return [
        f"{number} stored artifacts ({stage}) are of {version}, and are computed anew: the store holds those of before "
        "until `unlearnleak clean --outdated` removes them"
        for (stage, version), number in found.items()
    ]


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

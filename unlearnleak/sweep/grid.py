"""The jobs of a grid, one per point, and what is known of each before anything runs."""

import copy
import os
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from unlearnleak.config.build import build, component_name
from unlearnleak.errors import Incompatible, UserError
from unlearnleak.logger.base import RunLogger
from unlearnleak.pipeline.graph import with_ancestors
from unlearnleak.pipeline.job import finished, identity
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline
from unlearnleak.runs.naming import lacking
from unlearnleak.runs.place import check_place
from unlearnleak.runs.status import read_status
from unlearnleak.store import Store
from unlearnleak.sweep.compose import override_dirname, parsed


class Node(NamedTuple):
    """A stage of the grid's graph.

    `needs` are all stages that it is made from, as (name, key), `until` is its word on a command line, and `plural`
    what several of its kind are called.
    """

    name: str
    key: str
    payload: dict[str, Any]
    level: int
    needs: tuple[tuple[str, str], ...]
    until: str
    plural: str

    @property
    def id(self) -> tuple[str, str]:
        """By which other stages and tasks name it."""
        return self.name, self.key


@dataclass
class Job:
    """One point of the grid.

    `state` is what is known before anything runs: "todo", "finished", "skipped" (its parts do not fit) or "failed" (it
    cannot even be planned); `why` says so in words. `nodes` are its stages as far as it is to be run, each after those
    that it is made from; the last is the one that it ends with.
    """

    overrides: list[str]
    directory: Path
    state: str = "todo"
    why: str = ""
    nodes: list[Node] = field(default_factory=list)
    store: Store | None = None
    identity: dict[str, Any] | None = None
    content: tuple[str, str] | None = None
    """What a data set of a known name is made of by the user's word alone, and that name."""

    @property
    def last(self) -> Node:
        """The stage that the job ends with."""
        return self.nodes[-1]


Known = dict[tuple[str, str], Node]
"""The nodes of a grid by their ids: most jobs share theirs with others."""
Lent = Callable[[list[str]], AbstractContextManager[DictConfig]]
"""Gives a job's config until the context's end."""


def make_jobs(grid: Iterable[list[str]], lent: Lent, sweep_dir: Path, failed_only: bool = False) -> list[Job]:
    """Plan every point of the grid, whose configs are `lent` one after the other; equal points become one job.

    Raises:
        UserError: two different jobs would share a folder, a job lies outside the sweep's, or one content is taken for
            two data sets.
    """
    jobs: dict[Path, Job] = {}
    stores: set[Any] = set()
    bad: dict[str, str] = {}
    known: Known = {}
    contents: dict[str, Job] = {}
    for number, overrides in enumerate(grid):
        again = None
        with lent(overrides) as config:
            # What ${hydra:...} in the settings refers to: the part of the config that no job sees otherwise.
            HydraConfig.instance().cfg = cast(Any, SimpleNamespace(hydra=config.hydra))
            directory = place_of(config, sweep_dir, number, overrides)
            with open_dict(config):
                del config["hydra"]
            stores.add(config.store)
            if len(stores) > 1:
                told = ", ".join(map(str, sorted(stores)))
                raise UserError(f"store is the same for all jobs of a sweep, not {told}.")
            if directory in jobs:
                again = copy.deepcopy(config)
            elif not failed_only or (read_status(directory) or {}).get("status") in AGAIN:
                jobs[directory] = planned(config, overrides, directory, bad, known)
                check_content(jobs[directory], contents)
        if again is not None:
            with lent(jobs[directory].overrides) as before:
                check_equal(jobs[directory], before, overrides, again)
    HydraConfig.instance().cfg = None
    check_apart(jobs)
    return list(jobs.values())


def check_apart(jobs: Collection[Path]) -> None:
    """Raises UserError where a job's folder lies in another one's: nobody would find it there."""
    all_of_them = frozenset(jobs)
    for directory in jobs:
        if above := next((folder for folder in directory.parents if folder in all_of_them), None):
            raise UserError(
                f"The job in {directory} would lie in the folder of another one, {above}, where it is not found: give "
                "hydra.sweep.subdir as many parts for every job, or leave it as it is."
            )


AGAIN = ("failed", "queued", "waiting")
"""The statuses that `only=failed` repeats: also of jobs that were to be repeated when that was interrupted."""


def place_of(config: DictConfig, sweep_dir: Path, number: int, overrides: list[str]) -> Path:
    """The folder of the job with this number in the grid. It may be named by its number or its overrides.

    Raises:
        UserError: it lies outside the sweep's, cannot be known before the launch, or holds other runs.
    """
    if Path(config.hydra.sweep.dir) != sweep_dir:
        raise UserError(
            "runs, sweep_name and hydra.sweep.dir are the same for all jobs of a sweep: run one sweep for each."
        )
    if config.hydra.job.chdir:
        raise UserError("hydra.job.chdir=true is not possible: relative paths start where the command was given.")
    subdir = subdir_of(config, number, overrides)
    if subdir.is_absolute() or ".." in subdir.parts or not subdir.parts:
        raise UserError(f"hydra.sweep.subdir={subdir} is not possible: it names a folder within the sweep's.")
    if long := [part for part in subdir.parts if len(os.fsencode(part)) > LONGEST]:
        raise UserError(
            f"hydra.sweep.subdir is not possible: {long[0][:60]}... has more than {LONGEST} bytes. Leave it as it is, "
            "or leave keys out of override_dirname: 'hydra.job.config.override_dirname.exclude_keys=[store,runs]'."
        )
    check_place(sweep_dir / subdir)
    return sweep_dir / subdir


LONGEST = 255
"""Bytes of a folder's name, on usual file systems."""


def subdir_of(config: DictConfig, number: int, overrides: list[str]) -> Path:
    """What `hydra.sweep.subdir` says of a job.

    Its number and its overrides are told to the folder's name only: a job's settings must not depend on how it is
    launched, and stages are launched under other numbers.

    Raises:
        UserError: it refers to what only the launch will tell, or to nothing.
    """
    if wrong := lacking(config):
        raise UserError(f"{wrong}.")
    job = config.hydra.job
    with open_dict(job):
        job.num, job.override_dirname = number, override_dirname(config, [parsed(line) for line in overrides])
        try:
            return Path(config.hydra.sweep.subdir)
        except (OmegaConfBaseException, TypeError) as error:
            raise UserError(
                f"hydra.sweep.subdir cannot be known beforehand: {str(error).splitlines()[0]}. It may refer to the "
                "job's settings (${seed}), its choices (${hydra:runtime.choices.unlearner}), "
                "${hydra.job.override_dirname} and ${hydra.job.num}, its place in the grid."
            ) from error
        finally:
            del job.num, job.override_dirname


def check_equal(job: Job, before: DictConfig, overrides: list[str], config: DictConfig) -> None:
    """Raises UserError where two jobs of one folder are not the same one twice."""
    with open_dict(before):
        del before["hydra"]
    if differing := sorted(str(key) for key in config if before[key] != config[key]):
        raise UserError(
            f"Two jobs of this sweep would share the folder {job.directory}, and differ in {', '.join(differing)}: "
            f"{' '.join(job.overrides)} and {' '.join(overrides)}. Run them as two sweeps, each with its own sweep_name"
            "; or leave hydra.sweep.subdir as it is."
        )


def check_content(job: Job, contents: dict[str, Job]) -> None:
    """Raises UserError where the content of a job's data set stands under another name in this sweep (`contents`)."""
    if job.content is None:
        return
    digest, name = job.content
    first = contents.setdefault(digest, job)
    if first.content and first.content[1] != name:
        raise UserError(
            f"The same images would be judged as dataset={first.content[1]} and as dataset={name}: in the jobs "
            f"{' '.join(first.overrides)} and {' '.join(job.overrides)}. Give each data set its own file, such as "
            "'dataset.path=DIR/${hydra:runtime.choices.dataset}.npz'; images of your own are dataset=npz."
        )


def planned(
    config: DictConfig,
    overrides: list[str],
    directory: Path,
    bad: dict[str, str] | None = None,
    known: Known | None = None,
) -> Job:
    """One job with the keys of its stages, found without computing any but the data's facts.

    `bad` remembers what is wrong with a data set or a logger ("" for nothing), which may take long to find out.
    """
    job, bad = Job(overrides, directory), {} if bad is None else bad
    try:
        plan = make_plan(config)
        if (digest := plan.dataset.unofficial()) is not None:
            job.content = digest, component_name(config.dataset)
        pipeline = Pipeline(plan)
        data = repr([plan.spec["dataset"], vars(plan.dataset), plan.spec["model"], plan.seeds.data])
        once(bad, data, lambda: pipeline.artifact("data"))
        pipeline.check()
        if finished(pipeline, directory, config):
            job.state = "finished"
        job.nodes = nodes_of(pipeline, {} if known is None else known)
        job.store = plan.store
        if pipeline.whole:
            job.identity = identity(pipeline, config)
            if job.state != "finished":
                logger = build(config.logger, RunLogger, "logger")  # type: ignore[type-abstract]
                once(bad, repr((type(logger), job.identity["logger"])), logger.check)
    except Incompatible as error:
        job.state, job.why = "skipped", str(error)
    except UserError as error:
        job.state, job.why = "failed", f"{type(error).__name__}: {error}"
    return job


def nodes_of(pipeline: Pipeline, known: Known) -> list[Node]:
    """The stages that a job needs, each after those that it is made from; what is `known` already is shared."""
    nodes = []
    for stage in pipeline.needed:
        found = (stage.name, stage.key)
        if found not in known:
            needs = tuple((each.name, each.key) for each in with_ancestors([stage])[:-1])
            word = stage.name if pipeline.stages.get(stage.name) is stage else f"{stage.name}/{stage.key}"
            known[found] = Node(stage.name, stage.key, stage.payload, stage.level, needs, word, stage.plural)
        nodes.append(known[found])
    return nodes


def once(known: dict[str, str], name: str, check: Callable[[], object]) -> None:
    """Check what has this name, unless that was done before.

    Raises:
        UserError: as `check` did the first time.
    """
    if name not in known:
        try:
            check()
        except UserError as error:
            known[name] = str(error)
            raise
        known[name] = ""
    elif known[name]:
        raise UserError(known[name])

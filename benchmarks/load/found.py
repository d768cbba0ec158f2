"""Many finished jobs that are found again, and what a run leaves on the disk.

Three jobs are run. The folders of the others are copies of one of these, with the seed and the identity of their own
job, as its plan gives it: what decides whether a job is taken as finished is the same as of real ones.
"""

import shutil
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

import unlearnleak.runs.resolvers  # noqa: F401  (what the settings refer to)
from benchmarks.load.measured import heading, measured, row, sweep
from unlearnleak.config.folder import config_folder
from unlearnleak.runs.status import RESULT, read_result, write_result
from unlearnleak.sweep.compose import SharedLoader
from unlearnleak.sweep.grid import Job
from unlearnleak.sweep.master import MasterLoader
from unlearnleak.sweep.sweeper import Sweep

SMALL = ["training.epochs=1", "attack=head_sum", "screening=kmeans", "unlearner=rt"]
REAL = 3


def words(jobs: int) -> list[str]:
    """A grid of so many jobs that share one unlearned model."""
    return [*SMALL, f"seeds.attack=range({jobs})"]


def planned(folder: Path, jobs: int) -> list[Job]:
    """The jobs of the grid, as a sweep plans them."""
    arguments = sweep(folder, *words(jobs))[3:]
    with initialize_config_dir(config_folder(), version_base="1.3"):
        master = MasterLoader(GlobalHydra.instance().config_loader().get_search_path())
    config = master.load_configuration("config", arguments, RunMode.MULTIRUN)
    launcher = None  # nothing is launched
    return Sweep(config=config, loader=SharedLoader(master), launcher=launcher, params={}).plan(arguments)  # type: ignore[arg-type]


def copied(folder: Path, jobs: int) -> None:
    """Let all jobs of a grid be finished, of which some were run."""
    todo = [job for job in planned(folder, jobs) if job.state == "todo"]
    real = next(folder.glob("runs/adhoc/*/result.json")).parent
    result = read_result(real / RESULT)
    assert result is not None
    for job in todo:
        shutil.copytree(real, job.directory)
        assert job.identity is not None
        seed = int(job.overrides[-1].partition("=")[2])
        write_result(
            job.directory / RESULT, result | {"seeds": result["seeds"] | {"attack": seed}, "identity": job.identity}
        )


def inodes(*folders: Path) -> int:
    """Files and folders in these, themselves included."""
    return sum(1 + sum(1 for _ in folder.rglob("*")) for folder in folders)


def kibibytes(*folders: Path) -> float:
    """What the disk gives them."""
    return sum(path.lstat().st_blocks * 512 for folder in folders for path in (folder, *folder.rglob("*"))) / 1024


def found(folder: Path, jobs: int) -> None:
    """Print what a run leaves, and what it costs to find that all jobs of a grid are finished."""
    measured(*sweep(folder, *words(REAL)))
    runs = [path.parent for path in folder.glob("runs/adhoc/*/result.json")]
    stages = [path.parent for path in folder.glob("runs/adhoc/.stages/*/*/status.json")]
    artifacts = [path.parent for path in folder.glob("store/*/*/manifest.json")]
    print(heading("on the disk", "inodes each", "KiB each", "", "of"))
    for name, folders in (("a run", runs), ("a stage's own log", stages), ("an artifact", artifacts)):
        each = len(folders)
        print(row(name, inodes(*folders) / each, kibibytes(*folders) / each, "", each))
    copied(folder, jobs)
    print(heading("found again", "seconds", "of processor", "ms a job", "MiB", "goal"))
    cost = measured(*sweep(folder, *words(jobs)))
    assert f"{jobs} finished before" in cost.said, cost.said
    print(row(f"{jobs:,} finished jobs", cost.seconds, cost.busy, 1000 * cost.busy / jobs, cost.mib, "60 s"))

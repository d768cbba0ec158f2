"""Sweeps of small jobs inside the test's own process, by a launcher that can be told to fail in every way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import RunMode
from omegaconf import open_dict

from tests.jobs import write_npz
from unlearnleak.config.folder import config_folder
from unlearnleak.pipeline.job import run_job
from unlearnleak.sweep.compose import SharedLoader
from unlearnleak.sweep.master import MasterLoader
from unlearnleak.sweep.sweeper import Sweep

Act = Callable[[Path], str | None]


class Direct:
    """Runs jobs one after the other. `act` sees each job's folder first.

    What `act` returns: None runs the job; "dies" leaves no word, as if it was killed at once; "lies" runs the job and
    calls it failed.
    """

    slots = 1

    def __init__(self, loader: SharedLoader, config: Any, act: Act) -> None:
        self.loader, self.config, self.act = loader, config, act
        self.launched: list[list[Path]] = []
        self.closed: list[int] = []  # after how many launches

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        self.launched.append([])
        return [self.run(list(overrides)) for overrides in job_overrides]

    def close(self) -> None:
        self.closed.append(len(self.launched))

    def run(self, overrides: list[str]) -> JobReturn:
        config = self.loader.load_sweep_config(self.config, overrides)
        folder = Path(config.hydra.sweep.dir) / config.hydra.sweep.subdir
        self.launched[-1].append(folder)
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config["hydra"]
        returned = JobReturn(status=JobStatus.COMPLETED)
        what = self.act(folder)
        try:
            if what != "dies":
                returned.return_value = run_job(config, folder, sweep=True)
        except Exception as error:
            returned.status, returned.return_value = JobStatus.FAILED, error
        if what in ("dies", "lies"):
            returned.status, returned.return_value = JobStatus.FAILED, RuntimeError(f"the launcher says: {what}")
        return returned


def words_in(folder: Path, *words: str) -> list[str]:
    """The words of a small sweep, whatever components it varies: a few images, a short training."""
    path = folder / "images.npz"
    if not path.exists():
        write_npz(path)
    place = [f"dataset.path={path}", f"store={folder / 'store'}", f"runs={folder / 'runs'}", "logger=none"]
    small = ["dataset.auxiliary_per_class=6", "training.epochs=2", "training.batch_size=16"]
    return ["dataset=npz", *place, *small, "runtime.device=cpu", "runtime.threads=1", *words]


def master_loader() -> MasterLoader:
    """What the command line loads configs with."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return MasterLoader(GlobalHydra.instance().config_loader().get_search_path())


def sweep(folder: Path, *words: str, act: Act = lambda _: None, params: dict[str, Any] | None = None) -> Direct:
    """Run the staged sweep `words` of small jobs; returns its launcher, which knows what was launched."""
    return swept(words_in(folder, *words), act=act, params=params)


def swept(arguments: list[str], *, act: Act = lambda _: None, params: dict[str, Any] | None = None) -> Direct:
    """Run the staged sweep that the command line would; `act` and what is returned as of `sweep`."""
    master = master_loader()
    config = master.load_configuration("config", arguments, RunMode.MULTIRUN)
    loader = SharedLoader(master)
    launcher = Direct(loader, config, act)
    Sweep(config=config, loader=loader, launcher=launcher, params=params or {}).run(arguments)
    return launcher

"""The plugin: Hydra finds it, it is the default, and no launcher runs jobs in the launching process."""

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from omegaconf import OmegaConf

from hydra_plugins.unlearnleak.staged import StagedSweeper, guarded
from tests.jobs import composed, images, overrides_in, write_npz
from tests.sweep.direct import sweep, words_in
from unlearnleak.errors import UserError
from unlearnleak.sweep.waves import dry_run_summary


def test_hydra_finds_the_plugins():
    found = {cls.__name__ for base in (Launcher, Sweeper) for cls in Plugins.instance().discover(base)}
    assert {"StagedSweeper", "PoolLauncher", "SlurmLauncher"} <= found


def test_importing_the_plugins_loads_nothing_heavy(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys, hydra_plugins.unlearnleak.staged, hydra_plugins.unlearnleak.pool, hydra_plugins.unlearnleak.slurm;"
        "print([name for name in ('torch', 'wandb', 'pandas', 'submitit', 'pytorch_lightning') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("launcher", ["basic", "pool", "slurm"])
def test_hydras_basic_launcher_gets_a_process_of_its_own(launcher):
    target = {
        "basic": "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "pool": "hydra_plugins.unlearnleak.pool.PoolLauncher",
        "slurm": "hydra_plugins.unlearnleak.slurm.SlurmLauncher",
    }[launcher]
    config = OmegaConf.create({"hydra": {"launcher": {"_target_": target, "workers": 7}}})
    chosen = guarded(config).hydra.launcher
    if launcher == "basic":
        assert (chosen._target_.rpartition(".")[2], chosen.workers, chosen.gpus) == ("PoolLauncher", 1, None)
    else:
        assert chosen == config.hydra.launcher
    assert config.hydra.launcher._target_ == target


def test_a_sweep_file_may_name_nothing():
    assert (StagedSweeper().params, StagedSweeper(params=None, cases=None).cases) == ({}, [])


def test_a_single_run_foretells_what_it_will_do(tmp_path):
    config = composed(*overrides_in(tmp_path, "unlearner=ft", "attack=head_sum"))
    assert dry_run_summary(config, tmp_path / "run") == "jobs 1: originals 1, unlearned 1, evidence 1, verdicts 1"
    sweep(tmp_path, "unlearner=ft", "attack=head_sum", "until=unlearned")
    words = words_in(tmp_path, "unlearner=ft", "attack=head_sum")
    told = dry_run_summary(composed(*words), tmp_path / "run")
    assert told == "jobs 1: originals 1 (1 stored), unlearned 1 (1 stored), evidence 1, verdicts 1"


def test_a_single_run_that_cannot_be_is_not_foretold(tmp_path):
    small = {f"{part}_images": images()[f"{part}_images"][:, :, :11] for part in ("train", "test")}
    write_npz(tmp_path / "images.npz", **small)
    config = composed(*overrides_in(tmp_path, "unlearner=ft", "attack=head_sum"))
    with pytest.raises(UserError, match=r"^dataset\.path=.*images\.npz: model=lenet cannot take 12x11 images"):
        dry_run_summary(config, tmp_path / "run")
    assert not list((tmp_path / "store" / "data").glob("[!.]*"))

"""What a sweep begins with: values for components that are swept, and one grid only."""

import pytest
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode

from tests.sweep.direct import master_loader
from unlearnleak.errors import UserError
from unlearnleak.sweep.master import MasterLoader


@pytest.fixture(scope="module")
def loader() -> MasterLoader:
    return master_loader()


@pytest.mark.parametrize(
    "words",
    [
        ["unlearner=ft,rl", "unlearner.lr=0.1"],
        ["unlearner.lr=0.1", "unlearner=ft,rl"],
        ["unlearner=ft,rl", "unlearner={lr: 0.1}"],
        ["unlearner=ft,rl", "~unlearner.clip_norm"],
        ["unlearner=glob(*)", "unlearner.lr=0.1"],
        ["attack=param_dot,inversion_gradient", "screening.k=2"],
        ["+sweep=demo", "unlearner.lr=0.1"],
        ["hydra.sweeper.params={unlearner: 'ft,rl'}", "unlearner.lr=0.1"],
    ],
)
def test_a_value_for_a_component_that_is_swept_is_left_to_the_jobs(loader, words):
    config = loader.load_configuration("config", words, RunMode.MULTIRUN)
    assert [*config.hydra.overrides.hydra, *config.hydra.overrides.task] == sorted(
        words, key=lambda word: not word.startswith("hydra.")
    )
    assert "lr" not in config.unlearner
    assert "k" not in config.screening


def test_a_value_that_has_a_place_is_set(loader):
    words = ["unlearner=ft,rl", "attack.heads=7", "runtime.threads=2", "seed=3"]
    config = loader.load_configuration("config", words, RunMode.MULTIRUN)
    assert (config.attack.heads, config.runtime.threads, config.seed) == (7, 2, 3)


@pytest.mark.parametrize(
    "words", [["unlearner.lr=0.1"], ["seed=0,1", "unlearner.lr=0.1"], ["unlearner=ft,rl", "sed=1"]]
)
def test_what_no_choice_can_have_is_refused_at_once(loader, words):
    with pytest.raises(ConfigCompositionException, match="Could not override"):
        loader.load_configuration("config", words, RunMode.MULTIRUN)


@pytest.mark.parametrize(
    "words",
    [
        ["+sweep=smoke,demo"],
        ["+sweep=[smoke,demo]"],
        ["+sweep=smoke", "+sweep=demo"],
        ["+sweep=glob(*)"],
        ["+sweep=[smoke]"],
    ],
)
@pytest.mark.parametrize("mode", RunMode)
def test_a_command_runs_one_grid(loader, words, mode):
    with pytest.raises(UserError, match=r"a command runs one grid\. Give one command for each"):
        loader.load_configuration("config", [*words, "sweep_name=x"], mode)


def test_a_job_is_composed_as_hydra_does(loader):
    master = loader.load_configuration("config", ["unlearner=ft,rl", "unlearner.lr=0.1"], RunMode.MULTIRUN)
    assert loader.load_sweep_config(master, ["unlearner=ft", "unlearner.lr=0.1"]).unlearner.lr == 0.1
    with pytest.raises(ConfigCompositionException, match=r"Could not override 'unlearner\.lr'"):
        loader.load_sweep_config(master, ["unlearner=rt", "unlearner.lr=0.1"])

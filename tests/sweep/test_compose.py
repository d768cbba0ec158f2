"""The shared composition is Hydra's own, override by override."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

import unlearnleak.runs.resolvers  # noqa: F401  (what the settings refer to)
from unlearnleak.config.folder import config_folder
from unlearnleak.sweep.compose import SharedLoader

JOBS = {
    "nothing": [],
    "values": ["seed=3", "forget_classes=[1,2]", "attack.heads=7"],
    "choices": ["dataset=svhn", "unlearner=ng", "attack=param_diff"],
    "a choice after its values": ["unlearner.lr=0.5", "unlearner=ft"],
    "a sweep file": ["+sweep=smoke", "unlearner=none", "seed=2"],
    "an added value": ["+extra.deep.key=1", "++seed=4"],
    "a removed value": ["~gate.forget_acc"],
    "a removed choice": ["~logger"],
    "an override of Hydra's": ["hydra.sweep.subdir='.stages/original/0123'", "hydra.verbose=true"],
    "an interpolation": ["seeds.attack=${seed}", "dataset.path=${runs}/x.npz"],
    "a text with signs": ["sweep_name='a b=c,d'"],
    "a dictionary": ["gate={forget_acc:0.2,retain_loss:0.3}"],
    "another model's package": ["model=resnet18", "dataset=mnist"],
    "a search path": ["hydra.searchpath=[]", "seed=1"],
}
REFUSED = {
    "an unknown value": ["seedd=3"],
    "an unknown choice": ["unlearner=arcane"],
    "an unknown group": ["unlearnerr@here=rt"],
    "adding what is there": ["+seed=3"],
    "removing what is not there": ["~gate.luck"],
    "a wrong removal": ["~seed=77"],
}


@pytest.fixture(scope="module")
def loaders():
    with initialize_config_dir(config_folder(), version_base="1.3"):
        hydra = GlobalHydra.instance().config_loader()
        master = hydra.load_configuration("config", ["hydra.job.chdir=false"], RunMode.MULTIRUN)
        yield hydra, SharedLoader(hydra), master


@pytest.mark.parametrize("overrides", JOBS.values(), ids=JOBS.keys())
def test_a_job_is_what_hydra_makes_of_it(loaders, overrides):
    hydra, shared, master = loaders
    expected = hydra.load_sweep_config(master, overrides)
    for _ in range(2):  # composed, and remembered
        config = shared.load_sweep_config(master, overrides)
        assert config == expected
        assert OmegaConf.to_yaml(config) == OmegaConf.to_yaml(expected)
        assert OmegaConf.is_struct(config) == OmegaConf.is_struct(expected)


@pytest.mark.parametrize("overrides", JOBS.values(), ids=JOBS.keys())
def test_a_planned_job_is_the_same_but_for_hydras_own_part(loaders, overrides):
    hydra, shared, master = loaders
    expected, config = hydra.load_sweep_config(master, overrides), shared.plan_config(master, overrides)
    for key in ("dir", "subdir"):
        assert config.hydra.sweep[key] == expected.hydra.sweep[key]
    for each in (expected, config):
        with open_dict(each):
            del each["hydra"]
    assert config == expected


@pytest.mark.parametrize("overrides", REFUSED.values(), ids=REFUSED.keys())
def test_what_hydra_refuses_is_refused_in_the_same_words(loaders, overrides):
    hydra, shared, master = loaders
    with pytest.raises(ConfigCompositionException) as expected:
        hydra.load_sweep_config(master, overrides)
    with pytest.raises(type(expected.value)) as refusal:
        shared.load_sweep_config(master, overrides)
    assert str(refusal.value) == str(expected.value)


def test_hydras_settings_refer_to_each_jobs_own(loaders):
    hydra, shared, _ = loaders
    told = ["hydra.sweep.subdir=s${seed}", "hydra.job.name=${unlearner._target_}"]
    master = hydra.load_configuration("config", told, RunMode.MULTIRUN)
    for seed in (1, 2):
        words = [f"seed={seed}"]
        expected = hydra.load_sweep_config(master, words)
        assert shared.load_sweep_config(master, words) == expected
        assert shared.plan_config(master, words).hydra.sweep.subdir == expected.hydra.sweep.subdir == f"s{seed}"


def test_jobs_share_nothing_that_one_could_change(loaders):
    _, shared, master = loaders
    first = shared.load_sweep_config(master, ["seed=1"])
    first.attack.heads, first.hydra.job.num = 12345, 7
    second = shared.load_sweep_config(master, ["seed=2"])
    assert second.attack.heads != 12345
    assert "num" not in second.hydra.job or OmegaConf.is_missing(second.hydra.job, "num")


def test_a_lent_config_leaves_nothing_to_the_next_job(loaders):
    """Jobs of the same choices have one config in turn, whatever each sets, adds, merges or takes away in it."""
    hydra, shared, master = loaders
    plain = shared.plan_config(master, [])
    for overrides in JOBS.values():
        with shared.lent_config(master, overrides) as config, open_dict(config):
            expected = hydra.load_sweep_config(master, overrides)
            with open_dict(expected):
                del config["hydra"], expected["hydra"]
            assert config == expected
            config.another = 1
        again = shared.plan_config(master, [])
        assert OmegaConf.to_yaml(again) == OmegaConf.to_yaml(plain)
        assert list(again) == list(plain)


def test_a_value_without_a_place_leaves_nothing_either(loaders):
    _, shared, master = loaders
    plain = OmegaConf.to_yaml(shared.plan_config(master, []))
    for overrides in REFUSED.values():
        with pytest.raises(ConfigCompositionException), shared.lent_config(master, ["seed=7", *overrides]):
            pass
        assert OmegaConf.to_yaml(shared.plan_config(master, [])) == plain


def test_each_choice_is_composed_once(loaders, monkeypatch):
    hydra, _, master = loaders
    composed = []
    compose = SharedLoader.load_configuration

    def counting(self, *arguments):
        composed.append(arguments[1])
        return compose(self, *arguments)

    monkeypatch.setattr(SharedLoader, "load_configuration", counting)
    shared = SharedLoader(hydra)
    for unlearner in ("rt", "ft"):
        for seed in range(5):
            shared.load_sweep_config(master, [f"unlearner={unlearner}", f"seed={seed}"])
    assert len(composed) == 2

import pytest
from hydra import compose, initialize_config_dir

from unlearnleak.auditing.composed import ATTACKS, NEVER, OTHER_SCREENINGS, composed
from unlearnleak.config.build import build, component_name, settings_of, target_of
from unlearnleak.config.folder import config_folder
from unlearnleak.screening.base import Screening


@pytest.mark.parametrize("name", [*ATTACKS, *NEVER])
def test_an_attack_is_what_hydra_composes(name):
    others = OTHER_SCREENINGS.get(name)
    with initialize_config_dir(config_folder(), version_base=None):
        configs = [
            compose("config", [f"attack={name}", *([f"screening={each}"] if each else [])]) for each in others or [""]
        ]
    one = composed(name)
    assert one.settings == settings_of(configs[0].attack, "attack")
    assert f"{one.attack.__module__}.{one.attack.__qualname__}" == target_of(configs[0].attack)
    assert list(one.screenings) == [component_name(config.screening) for config in configs]
    for found, config in zip(one.screenings.values(), configs, strict=True):
        assert vars(found) == vars(build(config.screening, Screening, "screening"))

"""Every file in conf/unlearner and what conf/recipe makes of it: settings, comments, and that it can be made."""

import importlib
import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.base import TrainingUnlearner, Unlearner

CONF = Path(__file__).resolve().parents[2] / "conf"
FILES = sorted(CONF.joinpath("unlearner").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
DATASETS = [file.stem for file in sorted(CONF.joinpath("dataset").glob("*.yaml"))]
MODELS = [file.stem for file in sorted(CONF.joinpath("model").glob("*.yaml"))]
RECIPES = sorted(CONF.joinpath("recipe").glob("*.yaml"))
TRAINING = {field.name for field in fields(Optimization)} - {"steps_per_epoch"}


def settings(kind):
    """All keyword settings of an unlearner, those of its base class included."""
    own = {name: p for name, p in inspect.signature(kind).parameters.items() if p.kind is p.KEYWORD_ONLY}
    takes_training = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(kind).parameters.values())
    return set(own) | (settings(TrainingUnlearner) if takes_training else set())


def target(file):
    module, _, name = OmegaConf.load(file)["_target_"].rpartition(".")
    return module, getattr(importlib.import_module(module), name)


def test_all_six_have_a_file():
    assert set(NAMES) >= {"none", "rt", "ft", "rl", "ng", "au"}


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_file_names_a_class_of_the_module_of_its_name_and_all_its_settings(file):
    module, kind = target(file)
    assert module == f"unlearnleak.unlearner.{file.stem}"
    assert issubclass(kind, Unlearner)
    assert isinstance(kind.version, int)
    conf = OmegaConf.load(file)
    assert set(conf) - {"_target_"} == settings(kind)
    kind(**{name: value for name, value in conf.items() if name != "_target_"})


@pytest.mark.parametrize("file", [*FILES, *RECIPES], ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_number_says_whose_it_is(file):
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith(("#", "_target_")):
            assert any(word in line for word in ("  # paper", "  # reference", "  # ours: ")), line


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_belongs_to_a_model_on_a_data_set_and_sets_what_there_is_to_set(file):
    pairs = [f"{dataset}_{model}" for dataset in DATASETS for model in MODELS]
    named = dict.fromkeys(pairs) | {f"{pair}_{unlearner}": unlearner for pair in pairs for unlearner in NAMES}
    assert file.stem in named
    recipe = dict(OmegaConf.load(file))
    if named[file.stem] is None:
        # Without a word recipes are for SGD and plain images; of the others one is of fine-tuning, one of processors.
        elsewhere = {"precision", "freeze_statistics", "optimizer", "augmentation"}
        assert TRAINING - elsewhere <= set(recipe) <= TRAINING - {"precision", "freeze_statistics"}
        assert recipe["clip_norm"] is None  # or no ledger could be kept
        Optimization(**recipe)
    else:
        general = CONF / "unlearner" / f"{named[file.stem]}.yaml"
        _, kind = target(general)
        assert set(recipe) <= settings(kind)
        kind(**({k: v for k, v in OmegaConf.load(general).items() if k != "_target_"} | recipe))

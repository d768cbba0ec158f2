"""Every file in conf/dataset: that it belongs to its module, states all settings, and brings its model."""

import importlib
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from unlearnleak.config.build import parameters
from unlearnleak.dataset.base import Dataset

FILES = sorted(Path(__file__).resolve().parents[2].joinpath("conf", "dataset").glob("*.yaml"))
MODEL = dict.fromkeys(["digits", "mnist", "fashion_mnist", "npz"], "lenet")
MODEL |= dict.fromkeys(["svhn", "cifar10"], "resnet18") | {"cifar100": "resnet18_cifar", "torchvision": "lenet"}
MODEL |= {"csv": "mlp"}
NEEDS = {"npz": ["dataset.path=mine.npz"], "csv": ["dataset.path=mine.csv"], "torchvision": ["dataset.name=KMNIST"]}


@pytest.fixture
def composed(tmp_path):
    """Return a function that composes the real conf/dataset with two models that only have names."""
    (tmp_path / "model").mkdir()
    for name in ("lenet", "resnet18", "resnet18_cifar", "mlp", "other"):
        tmp_path.joinpath("model", f"{name}.yaml").write_text(f"name: {name}\n")
    tmp_path.joinpath("dataset").symlink_to(FILES[0].parent)
    tmp_path.joinpath("config.yaml").write_text("defaults: [_self_, model: other, dataset: digits]\n")

    def make(*overrides):
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            return compose("config", overrides=list(overrides))

    return make


def test_every_paper_set_and_ours_has_a_file():
    assert {file.stem for file in FILES} >= set(MODEL)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_names_a_class_of_the_module_of_its_name_and_all_its_settings(file):
    conf = OmegaConf.load(file)
    module, _, name = conf["_target_"].rpartition(".")
    assert module == f"unlearnleak.dataset.{file.stem}"
    kind = getattr(importlib.import_module(module), name)
    assert issubclass(kind, Dataset)
    assert isinstance(kind.version, int)
    settings = parameters(kind)  # as the command line sees them: `**settings` are the parent's
    assert {"root", "path", "auxiliary_per_class"} <= set(settings) or file.stem in ("images", "torchvision")
    assert set(conf) - {"_target_", "defaults"} == set(settings)
    for line in file.read_text().splitlines():
        setting = line.partition(":")[0].strip()
        if setting in settings:
            assert "# paper" in line or "# ours" in line, line


@pytest.mark.parametrize("name", MODEL)
def test_a_data_set_brings_its_model_unless_the_command_line_names_another(composed, name):
    assert composed(f"dataset={name}").model.name == MODEL[name]
    for overrides in (("model=other", f"dataset={name}"), (f"dataset={name}", "model=other")):
        conf = composed(*overrides)
        assert conf.model.name == "other"
        assert conf.dataset["_target_"].startswith(f"unlearnleak.dataset.{name}.")


@pytest.mark.parametrize("name", MODEL)
def test_a_composed_data_set_can_be_made(composed, name):
    dataset = instantiate(composed(f"dataset={name}", *NEEDS.get(name, [])).dataset)
    assert type(dataset).__module__ == f"unlearnleak.dataset.{name}"


def test_the_embedded_set_splits_as_its_file_says(composed, generator):
    parts = instantiate(composed("dataset=digits", "dataset.train_limit=500").dataset).splits(generator)
    assert (len(parts.train), len(parts.test), len(parts.auxiliary)) == (500, 360, 360)

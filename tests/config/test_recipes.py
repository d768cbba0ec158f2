"""Recipes: which job gets which, and what is said where there is none."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf, open_dict

from tests.jobs import composed, overrides_in
from tests.sweep.direct import sweep
from unlearnleak.config.recipes import missing_recipes, recipes
from unlearnleak.errors import UserError
from unlearnleak.run import config_folder
from unlearnleak.runs.naming import run_name

CONF = Path(config_folder())
NAMES = Path(__file__).with_name("run_names.txt").read_text().split()
"""What the runs of every data set and unlearner were called when recipes did not yet know the model; a name holds a
digest of the whole config."""
SOURCES = [{"schema": "pkg", "path": "hydra.conf"}, {"schema": "file", "path": str(CONF)}]
SOURCES += [{"schema": "structured", "path": ""}]


def choices(dataset, model, unlearner, named=None):
    chosen = {"dataset": dataset, "model": model, "unlearner": unlearner}
    own = {"recipe@training": f"{dataset}_{model}", "recipe@unlearner": f"{dataset}_{model}_{unlearner}"}
    return chosen | own | {f"recipe@{part}": name for part, name in (named or {}).items()}


def said(dataset, model, unlearner, *words, named=None):
    config = composed(f"dataset={dataset}", f"model={model}", f"unlearner={unlearner}", *words)
    return missing_recipes(config, choices(dataset, model, unlearner, named or {}), SOURCES)


@pytest.mark.parametrize("name", NAMES)
def test_the_model_that_a_data_set_picks_gets_what_it_always_got(name):
    dataset, _, unlearner, *_ = name.split("-")
    config = composed(f"dataset={dataset}", f"unlearner={unlearner}")
    with open_dict(config.attack):  # param_dot has since got heads for the paper's figures
        for setting in [each for each in config.attack if each.startswith("published_")]:
            del config.attack[setting]
    assert run_name(_root_=config) == name


def test_there_is_a_name_of_every_pair_of_that_time():
    assert len({tuple(name.split("-")[:3]) for name in NAMES}) == 36


@pytest.mark.parametrize("unlearner", ["ft", "rl", "ng", "au"])
@pytest.mark.parametrize(("dataset", "model"), [("cifar10", "lenet"), ("svhn", "lenet"), ("mnist", "resnet18")])
def test_another_model_is_not_handed_a_recipe_that_was_not_found_for_it(dataset, model, unlearner):
    config = composed(f"dataset={dataset}", f"model={model}", f"unlearner={unlearner}")
    own = yaml.safe_load((CONF / "unlearner" / f"{unlearner}.yaml").read_text())
    assert OmegaConf.to_container(config.unlearner) == own
    assert config.training == composed("dataset=npz").training


@pytest.mark.parametrize("unlearner", ["rt", "ft", "rl", "ng", "au", "none"])
@pytest.mark.parametrize("dataset", ["digits", "mnist", "fashion_mnist", "svhn", "cifar10"])
def test_nothing_is_said_where_there_is_a_recipe(dataset, unlearner):
    model = "resnet18" if dataset in ("svhn", "cifar10") else "lenet"
    config = composed(f"dataset={dataset}", f"unlearner={unlearner}")
    assert missing_recipes(config, choices(dataset, model, unlearner), SOURCES) is None


def test_it_is_said_which_values_stand_where_there_is_none():
    assert said("cifar10", "lenet", "ng") == (
        "no recipe for ng on cifar10 with lenet: the values of conf/unlearner/ng.yaml stand, for training those of "
        "conf/config.yaml, unless set otherwise"
    )


@pytest.mark.parametrize("unlearner", ["rt", "none", "rare_class", "noisy_labels", "rt_rare_class", "fewer_samples"])
def test_an_unlearner_without_settings_to_search_needs_no_recipe_but_training_does(unlearner):
    told = "no recipe for training lenet on cifar10: the values of conf/config.yaml stand, unless set otherwise"
    assert said("cifar10", "lenet", unlearner) == told
    assert said("cifar10", "lenet", "ng", "until=original") == told


def test_what_is_searched_needs_no_rate():
    assert said("cifar10", "lenet", "linear_filtration").startswith("no recipe for linear_filtration")
    assert said("cifar10", "lenet", "ssd").startswith("no recipe for ssd")


def test_a_model_from_a_file_is_tuned_by_nobody():
    assert said("cifar10", "lenet", "imported", "unlearner.path=FILE.safetensors") is None
    assert said("cifar10", "lenet", "imported").startswith("no recipe for training lenet")


def test_of_training_and_unlearning_only_one_may_have_a_recipe(tmp_path):
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "cifar10_lenet.yaml").write_text("epochs: 3\n")
    config = composed("dataset=cifar10", "model=lenet", "unlearner=ng")
    sources = [*SOURCES, {"schema": "file", "path": str(tmp_path)}]
    assert "cifar10_lenet" in recipes(sources) > recipes(SOURCES)
    told = missing_recipes(config, choices("cifar10", "lenet", "ng"), sources)
    assert told.endswith("ng.yaml stand, for training those of conf/recipe/cifar10_lenet.yaml, unless set otherwise")
    assert said("cifar10", "lenet", "ng", named={"unlearner": "cifar10_resnet18_ng"}).startswith(
        "no recipe for training lenet"
    )


def test_a_recipe_whose_name_has_no_model_is_told_of(tmp_path):
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe" / "cifar10_ng.yaml").write_text("epochs: 3\n")
    config = composed("dataset=cifar10", "model=lenet", "unlearner=ng")
    told = missing_recipes(config, choices("cifar10", "lenet", "ng"), [{"schema": "file", "path": str(tmp_path)}])
    assert told.endswith("; conf/recipe/cifar10_ng.yaml is not read any more: call it cifar10_lenet_ng.yaml")


def test_who_wants_no_recipe_is_told_nothing_of_it():
    named = {key: name for key, name in choices("cifar10", "lenet", "ng").items() if "@" not in key}
    config = composed("dataset=cifar10", "model=lenet", "unlearner=ng")
    assert missing_recipes(config, named, SOURCES) is None
    nothing = dict.fromkeys(("recipe@training", "recipe@unlearner"))
    assert missing_recipes(config, named | nothing, SOURCES) is None


def test_a_recipe_that_is_named_and_not_there_is_refused():
    with pytest.raises(UserError, match=r"recipe@unlearner=nope is not possible: .* cifar10_resnet18_ng, digits_len"):
        said("cifar10", "lenet", "ng", named={"unlearner": "nope"})
    with pytest.raises(UserError, match=r"recipe@training=nope .* Allowed: cifar10_resnet18, svhn_resnet18\.$"):
        said("cifar10", "resnet18", "ng", named={"training": "nope"})


# From outside


def lines(done):
    assert done.code == 0, done.err
    return [line for line in done.out.splitlines() if line.startswith("no recipe")]


def test_a_run_says_it_once_and_so_does_a_dry_one(cli, tmp_path):
    words = overrides_in(tmp_path, "unlearner=ft", "attack=head_sum")
    told = ["no recipe for ft on npz with lenet: the values of conf/unlearner/ft.yaml stand, for training those of "]
    told[0] += "conf/config.yaml, unless set otherwise"
    assert lines(cli(*words, "dry_run=true", cwd=tmp_path)) == told
    assert lines(cli(*words, cwd=tmp_path)) == told
    (log,) = (tmp_path / "runs").rglob("run.log")
    assert log.read_text().count("no recipe for") == 1


def test_a_sweep_says_it_once_for_all_its_jobs(tmp_path, caplog):
    with caplog.at_level("INFO", "unlearnleak"):
        sweep(tmp_path, "unlearner=rt,ft", "attack=head_sum", "seed=0,1", "dry_run=true")
    found = [line for line in caplog.text.splitlines() if "no recipe for" in line]
    assert len(found) == 2
    assert "no recipe for training lenet on npz: " in found[0]
    assert "no recipe for ft on npz with lenet: " in found[1]


def test_a_recipe_of_ones_own_is_found_where_it_lies(cli, tmp_path):
    own = tmp_path / "conf"
    (own / "recipe").mkdir(parents=True)
    (own / "recipe" / "npz_lenet_ft.yaml").write_text("epochs: 1\nlr: 0.2\n")
    (own / "recipe" / "npz_lenet.yaml").write_text("epochs: 1\n")
    words = overrides_in(tmp_path, "unlearner=ft", "attack=head_sum", f"hydra.searchpath=[file://{own}]")
    words = [word for word in words if not word.startswith(("unlearner.", "training."))]
    done = cli(*words, "dry_run=true", cwd=tmp_path)
    assert lines(done) == []
    assert "lr: 0.2" in cli(*words, "--cfg", "job", "--package", "unlearner", cwd=tmp_path).out


def test_a_named_recipe_that_is_not_there_ends_a_run_and_a_sweep(cli, tmp_path):
    words = overrides_in(tmp_path, "unlearner=ft", "recipe@unlearner=nope")
    for more in ([], ["-m"], ["dry_run=true"]):
        done = cli(*more, *words, cwd=tmp_path)
        assert done.code == 1
        assert "recipe@unlearner=nope is not possible" in done.err
        assert "Traceback" not in done.err
    assert not (tmp_path / "store").exists()

import re

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import unlearnleak.run  # noqa: F401  (registers the resolver)
from tests.jobs import composed
from unlearnleak.runs.naming import run_name

OLDER = tuple(f"~attack.published_{setting}" for setting in ("features", "steps", "lr"))
"""Takes out of param_dot what it got later: names of folders from before know nothing of it."""


def name(*overrides: str) -> str:
    return run_name(_root_=composed(*overrides))


def test_a_name_says_what_was_run():
    assert re.fullmatch(r"digits-lenet-rt-3-param_dot-youden-s0-[0-9a-f]{8}", name())
    words = name("dataset=svhn", "unlearner=ng", "attack=param_diff", "forget_classes=[0,4,7]", "seed=5")
    assert words.startswith("svhn-resnet18-ng-0.4.7-param_diff-decision_tree-s5-")
    assert name("forget_classes=draw:3").startswith("digits-lenet-rt-draw3-")


def test_folders_of_data_without_a_name_are_called_as_before_there_was_one():
    assert name("dataset=mnist", *OLDER) == "mnist-lenet-rt-3-param_dot-youden-s0-b592e418"
    mine = ("dataset=npz", "dataset.path=mine.npz")
    assert name(*mine, *OLDER) == "npz-lenet-rt-3-param_dot-youden-s0-37f41a18"
    assert name(*mine, "dataset.name=lungs") != name(*mine)


def test_folders_of_torchvision_s_sets_are_called_as_before_there_were_sizes():
    usps = ("dataset=torchvision", "dataset.name=USPS", "attack=relearn")
    assert name(*usps) == "torchvision-lenet-rt-3-relearn-youden-s0-e2b70ce5"
    assert name(*usps, "dataset.size=8") != name(*usps)


def test_folders_of_trainings_by_sgd_are_called_as_before_there_was_a_choice():
    assert name("dataset=mnist", "attack=relearn") == "mnist-lenet-rt-3-relearn-youden-s0-29e0a689"
    tuned = ("attack=relearn", "finetuning.samples=24")
    names = [name(*tuned, *more) for more in ([], ["training.optimizer=adamw"], ["finetuning.optimizer=adamw"])]
    assert len(set(names)) == 3


def test_folders_of_trainings_without_augmentation_are_called_as_before_there_was_any():
    assert name("attack=relearn", "training.augmentation=none") == name("attack=relearn")
    assert name("attack=relearn", "training.augmentation=crop_flip") != name("attack=relearn")


def test_how_much_memory_a_ledger_takes_by_default_is_in_no_name():
    assert name("unlearner=au", *OLDER) == "digits-lenet-au-3-param_dot-youden-s0-a2bb3e9c"  # older than that setting
    assert name("unlearner=au", "unlearner.ledger_classes=null") == name("unlearner=au")


def test_the_place_and_the_order_of_words_do_not_matter():
    words = ("unlearner=rl", "seed=3", "attack.heads=7")
    assert name(*words) == name(*reversed(words))
    elsewhere = ("store=/x", "runs=/y", "sweep_name=z", "runtime.device=cuda", "runtime.threads=4", "logger=none")
    assert name(*words, *elsewhere) == name(*words)
    assert name("seed=0", "training.momentum=0.9") == name()


@pytest.mark.parametrize(
    "word",
    ["seeds.attack=1", "training.lr=0.5", "gate.forget_acc=0.1", "attack.heads=7", "forget_classes=[4]", "seed=1"],
)
def test_every_setting_is_in_the_name(word):
    assert name(word) != name()


def test_what_would_lead_to_another_folder_is_left_out():
    config = composed()
    OmegaConf.update(config, "forget_classes", "../../x")
    config.attack._target_ = "../../etc/passwd.x"
    config.seed = "/tmp/y"
    found = run_name(_root_=config)
    assert "/" not in found
    config.forget_classes = list(range(500))
    config.attack._target_ = "x" * 500 + ".Y"
    assert len(run_name(_root_=config)) < 255


@pytest.mark.parametrize("override", ["~attack", "~screening"])
def test_a_job_without_a_component_is_told_which(override):
    config = composed(override)
    OmegaConf.set_struct(config, False)
    config.where = "${unlearnleak.run_name:}"
    with pytest.raises((OmegaConfBaseException, ValueError), match=f"a job needs {override[1:]}"):
        _ = config.where


@pytest.mark.parametrize(("group", "word"), [("defense", "finetune"), ("unlearner", "ng")])
def test_a_group_that_a_file_sets_to_a_word_is_told_how_to_choose_it(group, word):
    config = composed()
    OmegaConf.set_struct(config, False)
    config[group] = word
    config.where = "${unlearnleak.run_name:}"
    with pytest.raises((OmegaConfBaseException, ValueError), match=f"{group}: {word} is a word.*Say {group}={word} on"):
        _ = config.where

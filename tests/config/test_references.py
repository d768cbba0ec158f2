import pytest

from tests.config.test_hydra_settings import load
from tests.jobs import composed
from unlearnleak.config.references import refuse_all
from unlearnleak.errors import UserError
from unlearnleak.pipeline.plan import make_plan

BASE = ("attack=inversion_genetic", "screening=threshold")
LEAKS = {
    "the classes": "screening.k=${forget_classes.0}",
    "the seed that draws them": "screening.k=${seeds.forget}",
    "the seed that decides that": "screening.k=${seed}",
    "another seed": "attack.population=${seeds.attack}",
    "all overrides": "screening.k='${hydra:job.override_dirname}'",
    "the list of overrides": "screening.k='${hydra:overrides.task}'",
    "one override": "screening.k='${hydra:overrides.task.0}'",
    "the environment": "screening.k='${oc.env:K}'",
    "a selection": "screening.k='${oc.select:forget_classes.0}'",
    "decoded": "screening.k='${oc.decode:${forget_classes.0}}'",
    "keys": "screening.k='${oc.dict.values:seeds}'",
    "the unlearner": "screening.k=${unlearner.epochs}",
    "a neighbour by its place": "screening.k='${..forget_classes}'",
    "further up": "screening.k='${...forget_classes}'",
    "within a text": "attack.gamma='0.${forget_classes.0}'",
    "a bracket": "screening.k='${forget_classes[0]}'",
    "from the root by a bracket": "screening.k='${[forget_classes][0]}'",
    "through the own group to another": "screening.k='${screening.${unlearner._target_}}'",
    "through a group between": "attack.sigma=${training.lr}",
    "through the screening": "attack.sigma=${screening.k}",
    "as a component": "screening._target_='unlearnleak.screening.${oc.env:NAME}'",
    "as a whole group": "+screening.more=${seeds}",
    "the run's name": "screening.k='${unlearnleak.run_name:}'",
    "as the attacker's seed": "seeds.attack=${forget_classes.0}",
    "as everyone's seed": "seed=${forget_classes.0}",
    "as the number of labelled images": "dataset.auxiliary_per_class=${forget_classes.0}",
    "as another file": "dataset.path='${forget_classes.0}.npz'",
    "as another file by an override": "dataset.path='${hydra:job.override_dirname}.npz'",
    "as another original": "training.lr=${forget_classes.0}",
    "a secret as another original": "training.lr='${oc.env:SECRET}'",
    "as another model": "+model.width=${forget_classes.0}",
    "within a list": "+attack.more=[1,'${seed}']",
    "within a dictionary": "+attack.more={a:{b:'${seed}'}}",
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_no_reference_takes_the_truth_to_an_attacker(leak):
    name = leak.removeprefix("+").partition("=")[0]
    with pytest.raises(UserError, match=rf"^{name}.* is not possible: .*Write the value itself"):
        make_plan(composed(*BASE, leak))


@pytest.mark.parametrize("group", ["attack", "screening", "dataset", "model"])
def test_a_group_is_not_another_by_reference(group):
    config = composed(*BASE)
    config._set_value(dict(config._content) | {group: "${unlearner}"})
    with pytest.raises(UserError, match=rf"^{group}=\$\{{unlearner\}} is not possible"):
        make_plan(config)


@pytest.mark.parametrize("setting", ["unlearner.lr", "gate.forget_acc", "forget_classes"])
def test_no_secret_comes_into_a_result(setting, monkeypatch):
    monkeypatch.setenv("SECRET", "0.5")
    with pytest.raises(UserError, match=rf"{setting}=\$\{{oc\.env:SECRET\}} is not possible: .*environment"):
        make_plan(composed(*BASE, "unlearner=ft", f"{setting}='${{oc.env:SECRET}}'"))


ALLOWED = {
    "the usual seeds": [],
    "a seed that follows another": ["seeds.unlearning=${seeds.original}"],
    "a neighbour in its own group": ["attack.generations=${attack.population}"],
    "by its place": ["attack.generations='${.population}'"],
    "the unlearner may know": ["unlearner=ft", "unlearner.lr=${training.lr}"],
    "folders of the machine": ["dataset=mnist", "dataset.root='${oc.env:HOME}/data'"],
    "a file for each data set": ["dataset=mnist", "dataset.path='d/${hydra:runtime.choices.dataset}.npz'"],
}


@pytest.mark.parametrize("overrides", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_leads_nowhere_near_is_allowed(overrides):
    config = composed(*BASE, *overrides)
    assert refuse_all(config) is None  # and the same config with a leak beside it is refused
    config.screening["k"] = "${forget_classes.0}"
    with pytest.raises(UserError, match=r"screening\.k=\$\{forget_classes\.0\} is not possible"):
        refuse_all(config)


SECRET = {
    "as a name": "sweep_name='${oc.env:WANDB_API_KEY}'",
    "as a folder": "runs='out/${oc.env:WANDB_API_KEY}'",
    "as a store": "store='${oc.env:HF_TOKEN,x}'",
    "as a data set's place": "dataset.path='${oc.env:AWS_SECRET_ACCESS_KEY}'",
    "as a project": "logger.project='${oc.env:WANDB_API_KEY}'",
    "as a defence's setting": "defense._target_='${oc.env:WANDB_API_KEY}'",
    "as the place of one run": "hydra.run.dir='out/${oc.env:WANDB_API_KEY}'",
    "as any variable in a name": "sweep_name='${oc.env:ANYTHING}'",
    "as any variable in a defence": "defense._target_='${oc.env:ANYTHING}'",
    "under a name of two parts": "sweep_name='${oc.${oc.select:seed}:WANDB_API_KEY}'",
    "by way of another": "store='${oc.decode:${oc.env:WANDB_API_KEY}}'",
    "copied by Hydra": "hydra.job.env_copy=[WANDB_API_KEY]",
}


@pytest.mark.parametrize("leak", SECRET.values(), ids=SECRET.keys())
def test_no_secret_of_the_environment_becomes_a_setting(leak, monkeypatch):
    for name in ("WANDB_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "ANYTHING"):
        monkeypatch.setenv(name, "0123456789abcdef")
    with pytest.raises(UserError, match="is not possible: ") as refused:
        load("logger=wandb", leak)
    assert "0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize("word", ["store='${oc.env:PLACE}/store'", "runtime.device='${oc.env:DEVICE,cpu}'"])
def test_where_things_lie_may_be_the_environments_business(word, monkeypatch):
    monkeypatch.setenv("PLACE", "/scratch")
    assert load("logger=wandb", word)

import pytest

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

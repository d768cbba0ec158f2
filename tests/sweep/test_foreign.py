"""Other sweepers than the project's own: what they cannot do is said, and a dry run of theirs trains nothing."""

import inspect
import json

import pytest
from hydra._internal.callbacks import Callbacks
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, RunMode
from omegaconf import OmegaConf

from tests.sweep.direct import master_loader, words_in
from unlearnleak.errors import UserError
from unlearnleak.run import job
from unlearnleak.runs.status import RESULT
from unlearnleak.sweep.foreign import suit_foreign_sweeper

BASIC = "hydra/sweeper=basic"


def begun(*words):
    return master_loader().load_configuration("config", list(words), RunMode.MULTIRUN)


@pytest.mark.parametrize("word", ["only=failed", "fail_fast=true"])
def test_what_would_have_no_effect_is_refused(word):
    with pytest.raises(UserError, match=f"{word} would have no effect with hydra/sweeper=basic"):
        begun(BASIC, "seed=0,1", word)
    assert begun("seed=0,1", word)


def test_hydra_may_look_what_the_words_are_without_a_refusal():
    words = [BASIC, "seed=0,1", "only=failed"]
    assert master_loader().load_configuration("config", words, RunMode.MULTIRUN, validate_sweep_overrides=False)


@pytest.mark.parametrize("launcher", ["pool", "slurm"])
def test_a_dry_run_speaks_in_this_process(launcher):
    chosen = begun(BASIC, f"hydra/launcher={launcher}", "dry_run=true").hydra.launcher
    assert chosen == {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
    assert "Basic" not in begun(BASIC, f"hydra/launcher={launcher}").hydra.launcher._target_
    assert "Basic" not in begun(f"hydra/launcher={launcher}", "dry_run=true").hydra.launcher._target_


def test_a_sweeper_gets_the_number_that_each_job_returns(tmp_path):
    """Hydra's own sweeper and launcher, in this process: what they hand on is what a search goes by."""
    master = master_loader()
    told = words_in(tmp_path, "attack=head_sum", "seed=0,1", "objective=retain_acc")
    words = [BASIC, "hydra/launcher=basic", "hydra/job_logging=none", *told]
    config = master.load_configuration("config", words, RunMode.MULTIRUN)
    context = HydraContext(config_loader=master, callbacks=Callbacks())
    sweeper = Plugins.instance().instantiate_sweeper(
        config=config, hydra_context=context, task_function=inspect.unwrap(job)
    )
    (returned,) = sweeper.sweep(list(config.hydra.overrides.task))
    results = [json.loads(path.read_text()) for path in (tmp_path / "runs").rglob(RESULT)]
    assert len(returned) == len(results) == 2
    assert {each.return_value for each in returned} == {result["retain_acc"] for result in results}
    assert all(isinstance(each.return_value, float) for each in returned)


def searching(**settings):
    sweeper = {"_target_": "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper"}
    hydra = {"sweeper": sweeper, "runtime": {"choices": {"hydra/sweeper": "optuna"}}}
    return OmegaConf.create({"hydra": hydra, "objective": "asr", "until": "verdict"} | settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": None}, "hydra/sweeper=optuna searches by a number .* such as objective=asr. Allowed: asr, "),
        ({"objective": "asrr"}, "objective=asrr is not possible"),
        ({"objective": ["asr", "f2"]}, "objective=f2 is not possible"),
        ({"until": "unlearned"}, "objective=asr needs a verdict"),
    ],
)
def test_a_search_needs_a_number(settings, message):
    suit_foreign_sweeper(searching())
    with pytest.raises(UserError, match=message):
        suit_foreign_sweeper(searching(**settings))

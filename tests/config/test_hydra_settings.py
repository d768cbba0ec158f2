import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from unlearnleak.config.folder import config_folder
from unlearnleak.config.hydra_settings import check_hydra, check_logging
from unlearnleak.config.loader import CheckedLoader
from unlearnleak.errors import UserError

FILE = "hydra.job_logging.handlers.file"
REFUSED = {
    "a log elsewhere": [f"{FILE}.filename=/tmp/x.log"],
    "a log beside": [f"{FILE}.filename='${{hydra.runtime.output_dir}}/../x.log'"],
    "a log over a result": [f"{FILE}.filename='${{hydra.runtime.output_dir}}/result.json'"],
    "a log by another reference": [f"{FILE}.filename='${{oc.env:HOME}}/x.log'"],
    "a log within a folder": [f"{FILE}.filename='${{hydra.runtime.output_dir}}/a/x.log'"],
    "a job's name that leads elsewhere": ["hydra/job_logging=default", "hydra.job.name=../../x"],
    "no file": [f"{FILE}.filename=null"],
    "another handler": [f"{FILE}.class=logging.handlers.RotatingFileHandler"],
    "a mail": [f"{FILE}.class=logging.handlers.SMTPHandler"],
    "an import": [f"{FILE}.class=unlearnleak.sweep.pool.server.X"],
    "a class by reference": [f"{FILE}.class='${{oc.env:X}}'"],
    "filters": [f"+{FILE}.filters=[x]"],
    "an object looked up": [f"++{FILE}.encoding=ext://os.sep"],
    "a config looked up": [f"++{FILE}.encoding=cfg://handlers"],
    "an object by reference": [f"++{FILE}.encoding='${{oc.env:X}}'"],
    "another stream": ["hydra.job_logging.handlers.console.stream=ext://sys.modules"],
    "a formatter's class": ["++hydra.job_logging.formatters.full.class=os.PathLike"],
    "a formatter that walks objects": ["++hydra.job_logging.formatters.full.style='{'"],
    "a logger's filters": ["++hydra.job_logging.loggers.unlearnleak.filters=[x]"],
    "no logging config": ["hydra.job_logging.handlers.file=7"],
    "Hydra's own log": [
        "+hydra.hydra_logging.handlers.f={class: logging.FileHandler, filename: '${hydra.runtime.output_dir}/x.log'}"
    ],
    "Hydra's own log's class": ["hydra.hydra_logging.handlers.console.class=os.PathLike"],
    "callbacks": ["+hydra.callbacks.mine={_target_: os.getcwd}"],
    "variables": ["+hydra.job.env_set.LD_PRELOAD=x"],
    "another folder": ["hydra.job.chdir=true"],
    "a sweeper of no plugin": ["hydra.sweeper._target_=os.getcwd"],
    "a sweeper that builds": ["hydra.sweeper.params={a: {_target_: os.getcwd}}"],
    "a sampler that is none": ["+hydra.sweeper.sampler={_target_: os.getcwd}"],
    "a launcher of no plugin": ["hydra.launcher._target_=unlearnleak.sweep.pool.server.X"],
    "a launcher that builds": ["+hydra.launcher.more=[{_target_: os.getcwd}]"],
    "Hydra's files elsewhere": ["hydra.output_subdir=../x"],
    "Hydra's files far away": ["hydra.output_subdir=/tmp/x"],
    "Hydra's files deeper": ["hydra.output_subdir=a/b"],
    "no runs": ["runs=null"],
    "runs without a name": ["runs=''"],
    "no store": ["store=null"],
    "a list of stores": ["store=[a,b]"],
    "no folder of a run": ["hydra.run.dir=''"],
    "no folder of a sweep": ["hydra.sweep.dir=''"],
    "no sweep's name": ["sweep_name=null"],
    "an empty one": ["sweep_name=''"],
    "a blank one": ["sweep_name=' '"],
    "the folder itself": ["sweep_name=."],
    "the one above": ["sweep_name=../x"],
    "above in the middle": ["sweep_name=a/../../x"],
    "from the root": ["sweep_name=/abs"],
    "a word that is none": ["sweep_name=true"],
    "a list of names": ["sweep_name=[a]"],
    "a reference that leads nowhere": ["sweep_name='${nowhere}'"],
}
ALLOWED = {
    "as it is": [],
    "Hydra's own": ["hydra/job_logging=default", "hydra/hydra_logging=default"],
    "none": ["hydra/job_logging=none", "hydra/hydra_logging=none"],
    "disabled": ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"],
    "to the terminal": ["hydra/job_logging=stdout"],
    "another level": ["hydra.job_logging.root.level=DEBUG", f"{FILE}.filename='${{hydra.runtime.output_dir}}/my.log'"],
    "no folder of Hydra's": ["hydra.output_subdir=null"],
    "a basic launcher": ["hydra/launcher=basic"],
    "a basic sweeper": ["hydra/sweeper=basic"],
    "a SLURM cluster": ["hydra/launcher=slurm"],
    "a name within another": ["sweep_name=paper/first"],
    "a number for a name": ["sweep_name=2024"],
    "other runs": ["runs=/tmp/x"],
    "verbose": ["hydra.verbose=true"],
}


def load(*overrides: str):
    with initialize_config_dir(config_folder(), version_base="1.3"):
        loader = CheckedLoader(GlobalHydra.instance().config_loader().get_search_path())
        return loader.load_configuration("config", list(overrides), RunMode.RUN)


@pytest.mark.parametrize("overrides", REFUSED.values(), ids=REFUSED.keys())
def test_what_a_config_may_not_tell_hydra_is_refused_by_name(overrides):
    name = overrides[-1].lstrip("+").partition("=")[0].split(".")[0]
    with pytest.raises(UserError, match=rf"{name}.* (is not possible|cannot be resolved): "):
        load(*overrides)


@pytest.mark.parametrize("overrides", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_usual_is_not(overrides):
    check_hydra(load(*overrides))


@pytest.mark.parametrize(
    "more",
    [
        {"formatters": {"x": {"()": "os.getcwd"}}},
        {"filters": {"x": {"()": "os.getcwd"}}},
        {"handlers": {"x": {"()": "os.getcwd"}}},
        {"handlers": {"x": {"class": "logging.StreamHandler", ".": {"a": 1}}}},
        {"handlers": {"x": {"class": "logging.StreamHandler", "()": "os.getcwd"}}},
        {"loggers": {"x": {"()": "os.getcwd"}}},
        {"root": {"()": "os.getcwd"}},
        {"()": "os.getcwd"},
    ],
    ids=str,
)
def test_no_part_of_a_logging_config_builds_an_object(more):
    with pytest.raises(UserError, match=r"hydra\.job_logging.*(\(\)|\.|filters).* is not possible"):
        check_logging({"version": 1} | more, "hydra.job_logging", files=True)

"""What a config may say to Hydra itself, held against it before Hydra acts on it: a config is data and runs no code.

Hydra builds loggers, callbacks, sweepers and launchers from its own part of the config, sets variables of the
environment, and makes folders. Light: it is imported at each start.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from unlearnleak.config.references import refuse_secrets
from unlearnleak.errors import UserError, require

BUILDING = ("_target_", "_args_", "_partial_", "_recursive_", "_convert_")
"""Words by which Hydra builds objects."""
PLUGINS = re.compile(r"(hydra_plugins|hydra\._internal\.core_plugins)(\.\w+)+")
SAMPLER = re.compile(r"optuna\.samplers(\.\w+)+")
FOLDER = re.compile(r"\.?[\w-]+(\.[\w-]+)*")
LOG_FILE = re.compile(
    r"\$\{hydra[.:]runtime\.output_dir\}/(\$\{hydra[.:]job\.name\}|[\w-])(\$\{hydra[.:]job\.name\}|[\w.-])*"
)
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
LOGGING: dict[str, set[str]] = {
    "": {"version", "formatters", "handlers", "root", "loggers", "disable_existing_loggers", "incremental"},
    "formatters": {"format", "datefmt", "style", "validate"},
    "root": {"level", "handlers"},
    "loggers": {"level", "handlers", "propagate"},
    "logging.NullHandler": {"class", "level", "formatter"},
    "logging.StreamHandler": {"class", "level", "formatter", "stream"},
    "logging.FileHandler": {"class", "level", "formatter", "filename", "mode", "encoding", "errors", "delay"},
}
"""The keys of each part of a logging config, and of each kind of handler."""


def check_hydra(config: DictConfig) -> None:
    """Hold Hydra's part of a composed config, and the names of folders, against what is possible.

    Raises:
        UserError: naming the setting, its value and what is allowed.
    """
    refuse_secrets(config)  # first: what follows looks values up and shows them
    hydra = config.hydra
    require(not hydra.job.chdir, "hydra.job.chdir", hydra.job.chdir, "relative paths start where the command was given")
    require(not hydra.callbacks, "hydra.callbacks", hydra.callbacks, "a config is data and runs no code")
    environment = list(hydra.job.env_set)  # by name: hydra.job.env_copy has put the values of variables there
    require(not environment, "hydra.job.env_set", environment, "the environment is the shell's: set variables there")
    subdir = looked_up(config, "hydra.output_subdir")
    good = subdir is None or FOLDER.fullmatch(str(subdir)) is not None
    require(good, "hydra.output_subdir", subdir, "the name of a folder within the run's, or null for none")
    require(FOLDER.fullmatch(str(hydra.job.name)) is not None, "hydra.job.name", hydra.job.name, "letters, digits, _-.")
    for part, files in (("hydra_logging", False), ("job_logging", True)):
        check_logging(plain(hydra._get_node(part)), f"hydra.{part}", files=files)
    for part in ("sweeper", "launcher"):
        check_building(plain(hydra._get_node(part)), f"hydra.{part}", PLUGINS)
    check_places(config)


def plain(node: Any) -> Any:
    """A node as plain values, references as they are written."""
    return OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node


def looked_up(config: DictConfig, name: str) -> Any:
    """The value of a setting.

    Raises:
        UserError: it refers to what is not there.
    """
    try:
        return OmegaConf.select(config, name)
    except OmegaConfBaseException as error:
        raise UserError(f"The setting {name} cannot be resolved: {str(error).splitlines()[0]}") from error


def check_places(config: DictConfig) -> None:
    """Raises UserError where a folder has no name, or a sweep's lies outside `runs`."""
    for name in ("runs", "store", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"):
        node, _, last = name.rpartition(".")
        value = (OmegaConf.select(config, node) if node else config)._get_node(last)
        text = None if value is None else value._value()
        require(isinstance(text, str | int) and str(text).strip() != "", name, repr(text), "name a folder")
    name = looked_up(config, "sweep_name")
    parts = str(name).split("/")
    good = isinstance(name, str | int) and not isinstance(name, bool)
    good = good and not any(part.strip() in ("", ".", "..") or "\0" in part for part in parts)
    require(good, "sweep_name", repr(name), "the name of a folder within runs, such as sweep_name=first")


def check_building(values: Any, name: str, allowed: re.Pattern[str]) -> None:
    """Raises UserError where a sweeper's or launcher's config would build anything but a plugin of Hydra."""
    if not isinstance(values, Mapping):
        return
    for key, value in values.items():
        if key == "_target_":
            installed = isinstance(value, str) and allowed.fullmatch(value) is not None
            require(installed, f"{name}._target_", repr(value), "a config is data and names installed plugins only")
        elif name == "hydra.sweeper" and key == "sampler":
            check_building(value, f"{name}.sampler", SAMPLER)
        elif key in BUILDING or mentions(value, BUILDING):
            raise UserError(f"{name}.{key}={value!r} is not possible: a config is data and builds nothing of its own.")


def mentions(value: Any, words: Iterable[str]) -> bool:
    """Whether one of the words is a key anywhere inside."""
    if isinstance(value, Mapping):
        return any(str(key) in words or mentions(item, words) for key, item in value.items())
    return isinstance(value, list) and any(mentions(item, words) for item in value)


def check_logging(values: Any, name: str, *, files: bool) -> None:
    """Raises UserError where a logging config does more than print and, with `files`, log in the run's folder."""
    if values is None:
        return
    require(isinstance(values, Mapping), name, values, "a logging config")
    known(values, "", name)
    for part in ("formatters", "loggers"):
        for key, each in (values.get(part) or {}).items():
            known(each, part, f"{name}.{part}.{key}")
            require_plain(each, f"{name}.{part}.{key}")
    known(values.get("root"), "root", f"{name}.root")
    require_plain(values.get("root"), f"{name}.root")
    for key, each in (values.get("handlers") or {}).items():
        check_handler(each, f"{name}.handlers.{key}", files=files)


def check_handler(values: Any, name: str, *, files: bool) -> None:
    """Raises UserError for a handler that writes elsewhere than to the terminal or the run's own folder."""
    kinds = [kind for kind in LOGGING if kind.startswith("logging.") and (files or kind != "logging.FileHandler")]
    kind = values.get("class") if isinstance(values, Mapping) else None
    if not isinstance(values, Mapping) or "()" in values or kind not in kinds:
        what = "()" if isinstance(values, Mapping) and "()" in values else "class"
        found = values.get(what) if isinstance(values, Mapping) else values
        raise UserError(f"{name}.{what}={found!r} is not possible: a class out of {', '.join(kinds)}.")
    known(values, str(kind), name)
    if "stream" in values:
        require(values["stream"] in STREAMS, f"{name}.stream", values["stream"], " or ".join(STREAMS))
    if kind == "logging.FileHandler":
        file = values.get("filename")
        good = isinstance(file, str) and LOG_FILE.fullmatch(file) and file.endswith(".log")
        allowed = "a log lies in the run's own folder, such as '${hydra.runtime.output_dir}/run.log'"
        require(bool(good), f"{name}.filename", repr(file), allowed)
    require_plain({key: value for key, value in values.items() if key not in ("stream", "filename")}, name)


def known(values: Any, part: str, name: str) -> None:
    """Raises UserError where a part of a logging config has keys of no plain one, such as `()` and `class`."""
    if values is None:
        return
    require(isinstance(values, Mapping), name, values, "a part of a logging config")
    if unknown := [str(key) for key in values if key not in LOGGING[part]]:
        raise UserError(f"{name}.{unknown[0]} is not possible: {', '.join(sorted(LOGGING[part]))} are.")


def require_plain(values: Any, name: str) -> None:
    """Raises UserError for references, and for what Python's logging would look up or read objects by."""
    for key, value in (values or {}).items():
        text = str(value)
        if "${" in text or "://" in text or (key == "style" and value not in ("%", "$")):
            raise UserError(f"{name}.{key}={text} is not possible: a logging config holds plain values.")

"""From a composed config to components: what may be built, from which settings, and what is refused.

A config names classes by `_target_`. It is data from outside: only classes of this project and of installed plugins are
built, of the kind that the group holds, from settings of the right names and types. Nothing else is ever imported.
"""

import importlib
import inspect
import math
import re
import sys
from collections.abc import Collection, Mapping
from functools import cache
from importlib.metadata import entry_points
from traceback import walk_tb
from types import ModuleType
from typing import Any, TypeVar, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ConfigDict, TypeAdapter, ValidationError

from unlearnleak.config.hydra_settings import BUILDING as RESERVED
from unlearnleak.config.hydra_settings import mentions
from unlearnleak.config.look import find_module, names_class
from unlearnleak.errors import UserError

T = TypeVar("T")
PLUGINS = "unlearnleak.plugins"
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def trusted_packages() -> set[str]:
    """This project and every package that an installed distribution declares as its plugin.

    A plugin declares itself in its pyproject.toml: `[project.entry-points."unlearnleak.plugins"]`, `name = "package"`.
    """
    return {"unlearnleak", *declared_packages(tuple(sys.path))}


@cache
def declared_packages(path: tuple[str, ...]) -> tuple[str, ...]:
    """The declared plugins on this import path; looking for them reads every installed distribution's files."""
    return tuple(point.module for point in entry_points(group=PLUGINS))


def inside(dotted: str, packages: list[str]) -> bool:
    """Whether a dotted name lies in one of the packages: "acme.leaks.x" does in "acme.leaks", "acme.other" does not."""
    return any(f"{dotted}.".startswith(f"{package}.") for package in packages)


def locate(target: Any, base: type[T], group: str) -> type[T]:
    """The class that `target` names, which must be a `base`.

    Raises:
        UserError: it lies outside the trusted packages, is not there, or is of another kind.
    """
    allowed = sorted({home(base), *(trusted_packages() - {"unlearnleak"})})
    refusal = (
        f"{group}._target_={target!r} is refused: a config may only name a {base.__name__} class inside "
        f"{', '.join(allowed)}. Put your own in an installed package that declares the entry point {PLUGINS!r}."
    )
    if not isinstance(target, str) or not DOTTED.fullmatch(target):
        raise UserError(refusal)
    module_name, _, name = target.rpartition(".")
    if not inside(module_name, allowed):
        raise UserError(refusal)
    found = getattr(imported(module_name, name, refusal, f"{group}._target_={target}"), name, None)
    if not (isinstance(found, type) and issubclass(found, base) and inside(found.__module__, allowed)):
        raise UserError(refusal)
    if found is base or inspect.isabstract(found):
        raise UserError(f"{group}._target_={target} is a base class; name one of its subclasses.")
    return found


def plugin_at_fault(error: BaseException) -> str | None:
    """Where in a plugin an error was raised, or in what it called, such as "acme.attack, line 9"; None if in none."""
    plugins = sorted(trusted_packages() - {"unlearnleak"})
    found = None
    for frame, line in walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__"))
        if inside(name, plugins):
            found = f"{name}, line {line}"
    return found


def home(base: type[Any]) -> str:
    """The package of this project that the components of a group lie in, such as unlearnleak.attack."""
    return base.__module__.rpartition(".")[0]


def imported(module_name: str, name: str, refusal: str, said: str) -> ModuleType:
    """The module, imported only if its source has something called `name`.

    Raises:
        UserError: there is no such module, or nothing of that name in it; or it ended instead of being imported.
    """
    if module_name not in sys.modules:
        spec = find_module(module_name)
        if spec is None:
            raise UserError(f"{said}: there is no module {module_name}.")
        if not names_class(spec, name):
            raise UserError(refusal)
    try:
        return importlib.import_module(module_name)
    except SystemExit as error:
        raise UserError(f"{said}: the module {module_name} ends the process when it is imported.") from error


@cache
def parameters(factory: type[Any]) -> dict[str, inspect.Parameter]:
    """Keyword parameters of a constructor with their types; `**settings` stands for those of the parent class."""
    found: dict[str, inspect.Parameter] = {}
    for cls in factory.__mro__:
        if "__init__" not in vars(cls) or cls is object:
            continue
        hints = get_type_hints(cls.__init__)  # type: ignore[misc]
        own = inspect.signature(cls).parameters
        for name, parameter in own.items():
            if parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
                found.setdefault(name, parameter.replace(annotation=hints.get(name, Any)))
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own.values()):
            break
    return found


def construct(factory: type[T], settings: Mapping[str, Any], group: str, **given: Any) -> T:
    """`factory(**settings, **given)` after every setting's name and type has been checked.

    Raises:
        UserError: naming all unknown, missing and ill-typed settings at once.
    """
    check_settings(factory, settings, group, given)
    return factory(**settings, **given)


def check_settings(factory: type[Any], settings: Mapping[str, Any], group: str, given: Collection[str] = ()) -> None:
    """Hold settings against the constructor that will take them; `given` names what it gets from elsewhere.

    Raises:
        UserError: naming all unknown, missing and ill-typed settings at once.
    """
    wanted = {name: p for name, p in parameters(factory).items() if name not in given}  # type: ignore[arg-type]
    problems = [
        f"{group}.{name} is unknown; allowed: {', '.join(wanted) or 'no settings'}"
        for name in settings
        if name not in wanted
    ]
    for name, parameter in wanted.items():
        if name in settings:
            if wrong := ill_typed(parameter.annotation, settings[name]):
                problems.append(f"{group}.{name}={settings[name]!r} is not possible ({wrong})")
        elif parameter.default is inspect.Parameter.empty:
            problems.append(f"{group}.{name} is missing")
    if problems:
        raise UserError("This configuration cannot be used: " + ". ".join(problems) + ".")


def ill_typed(annotation: Any, value: Any) -> str:
    """What keeps `value` from being of the annotated type, or ""; a whole number passes for a float, no NaN does."""
    if annotation in (float, float | None) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "Input should be a finite number"
    try:
        checker(annotation).validate_python(value)
    except ValidationError as error:
        return "; ".join(item["msg"] for item in error.errors()[:2])
    return ""


@cache
def checker(annotation: Any) -> TypeAdapter[Any]:
    """Holds values against an annotation without converting them; made once per annotation."""
    return TypeAdapter(annotation, config=ConfigDict(strict=True, arbitrary_types_allowed=True))


def resolved(node: Any, name: str) -> Any:
    """A config node as plain Python values; what is a plain value already is returned as it is.

    Raises:
        UserError: an interpolation in it leads nowhere, or a mandatory value is missing.
    """
    if not OmegaConf.is_config(node):
        return node
    try:
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"The setting {name} cannot be resolved: {str(error).splitlines()[0]}") from error


def settings_of(node: Any, group: str) -> dict[str, Any]:
    """The settings of a group as plain values, without its component's `_target_`.

    Raises:
        UserError: it is no group of settings, or one of Hydra's words for building objects is among them.
    """
    values = resolved(node, group)
    if not isinstance(values, dict):
        raise UserError(f"{group}={values!r} is not possible: {group} is a group of settings, as in conf/{group}.")
    values.pop("_target_", None)
    if mentions(values, RESERVED):
        raise UserError(
            f"{group} holds {' or '.join(RESERVED)} among its settings: a component is built from plain values only."
        )
    return values


def target_of(node: Any) -> Any:
    """What the group's `_target_` says; None where it says nothing."""
    return node.get("_target_") if isinstance(node, DictConfig) else None


def build(node: Any, base: type[T], group: str, **given: Any) -> T:
    """The component that a config group describes, of type `base`; `given` is what the pipeline adds."""
    cls = locate(target_of(node), base, group)
    return construct(cls, settings_of(node, group), group, **given)


def component_name(node: Any) -> str:
    """The component's word on the command line: the module that its `_target_` lies in ("rt", "param_dot")."""
    parts = str(target_of(node)).split(".")
    return parts[-2] if len(parts) > 1 else "unknown"

"""Artifacts that no run asks for any more: made by a component of another version, or from such an artifact."""

import importlib
import logging
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from unlearnleak.config.build import inside, trusted_packages
from unlearnleak.store.listing import Entry, entries

log = logging.getLogger(__name__)
UNKNOWN = -1
"""The version of a class that cannot be looked at."""


class Outdated(NamedTuple):
    """One artifact, and why no key leads to it."""

    stage: str
    key: str
    why: str


def outdated(root: Path) -> list[Outdated]:
    """The artifacts of a store that this version of the project, with the installed plugins, would compute anew.

    Settings are not looked at: what was stored under settings of your own is not outdated, nor what a newer version
    stored in a store that others share.

    Raises:
        OSError: a folder of the store cannot be read.
    """
    there = list(entries(root))
    reasons = {entry.key: why for entry in there if (why := changed(entry.payload))}
    found = True
    while found:  # until no artifact is left that is made from one of these
        found = False
        for entry in there:
            if entry.key not in reasons and (parent := made_from(entry, reasons)):
                reasons[entry.key] = f"made from {parent}, which is outdated"
                found = True
    return [Outdated(entry.stage, entry.key, reasons[entry.key]) for entry in there if entry.key in reasons]


def earlier(payload: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same payload as earlier versions of its component had it, each with that version in words."""
    for group, value in payload.items():
        if isinstance(value, dict) and "target" in value and isinstance(value.get("version"), int):
            for version in range(1, value["version"]):
                yield f"version {version} of {value['target']}", {**payload, group: value | {"version": version}}


def made_from(entry: Entry, keys: Container[str]) -> str | None:
    """The first of these keys that the artifact is made from."""
    return next((value for value in entry.payload.values() if isinstance(value, str) and value in keys), None)


def changed(payload: dict[str, Any]) -> str | None:
    """Which component of a payload has another version by now, in words; None where all are as they were.

    A component of a package that is not installed here may be somebody else's: it counts as it is.
    """
    for group, value in payload.items():
        if not isinstance(value, dict) or not isinstance(value.get("target"), str):
            continue
        if not isinstance(value.get("version"), int):
            continue
        module = value["target"].rpartition(".")[0]
        if not inside(module, sorted(trusted_packages())):
            continue
        now = version_of(value["target"])
        if now is None or now > value["version"]:
            return f"{group} {value['target']} was of version {value['version']}" + (f", now {now}" if now else "")
    return None


def version_of(target: str) -> Any:
    """The version of the class that a payload names, which is imported for it; None where there is no such class.

    UNKNOWN, which is lower than any, where its module is there and cannot be imported: what it stored is left alone.
    """
    module, _, name = target.rpartition(".")
    try:
        return getattr(getattr(importlib.import_module(module), name, None), "version", None)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        return unimportable(module, error)
    except Exception as error:  # whatever somebody's module does when it is imported
        return unimportable(module, error)


def unimportable(module: str, error: Exception) -> int:
    """Say that a component cannot be looked at, and why."""
    log.warning("%s cannot be imported (%s: %s): what it stored is left alone", module, type(error).__name__, error)
    return UNKNOWN

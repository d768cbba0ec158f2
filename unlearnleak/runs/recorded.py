"""What Hydra wrote beside a run, read as the data that it is.

A run may be somebody else's. Nothing in its files is resolved, so that no variable of the environment enters a table;
no alias is followed, so that a small file stays small; and what is too large or too deep counts as not there.
"""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore]

LARGEST = 1_000_000
"""Bytes; Hydra's own files have some thousands."""
DEEPEST = 50
"""Levels of nesting."""
MOST_STEPS = 10
"""References from setting to setting, such as seeds.data: ${seed}."""
REFERENCE = re.compile(r"\$\{(\w+(?:\.\w+)*)\}")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def recorded(path: Path, *keys: str) -> Any:
    """A value in a yaml file that Hydra wrote beside a run; None where there is none."""
    try:
        value = plain_yaml(path)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return at(value, keys)


def setting(config: Any, name: str) -> Any:
    """The value of a setting such as training.lr in a run's configuration; None where it has none.

    One that refers to another setting as a whole, such as ${seed}, has that one's value. Everything else of the kind
    stays as it is written.
    """
    value = at(config, name.split("."))
    for _ in range(MOST_STEPS):
        reference = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if reference is None:
            break
        value = at(config, reference.group(1).split("."))
    return value


def at(value: Any, keys: "tuple[str, ...] | list[str]") -> Any:
    """What lies under the keys, one below the other; None where nothing does."""
    for key in keys:
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def plain_yaml(path: Path) -> Any:
    """A file's content.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, too large, too deep, no text, or has aliases.
        yaml.YAMLError: it is no YAML.
    """
    if not path.is_file():  # a pipe would keep the reader waiting
        raise ValueError("it is not there, or no file")
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST:,} bytes")
    text, depth = content.decode(), 0
    for event in yaml.parse(text, Loader=Loader):
        opens = isinstance(event, yaml.CollectionStartEvent)
        depth += opens - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > DEEPEST:
            raise ValueError(f"it has aliases, or more than {DEEPEST} levels")
    return yaml.load(text, Loader=Loader)

"""What a store holds, artifact by artifact, and how one is taken away. No link is followed below the store's folder."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from unlearnleak.store.artifact import PAYLOAD
from unlearnleak.store.cleaning import KEY, STAGE, named, opened
from unlearnleak.store.temporary import name_beside

LARGEST = 2**24
"""Bytes of a payload: whatever is larger is none of ours."""


class Entry(NamedTuple):
    """One artifact: where it is, and what determines it."""

    stage: str
    key: str
    payload: dict[str, Any]


def entries(root: Path) -> Iterator[Entry]:
    """Every artifact in the store whose payload can be read, by stage and key.

    Raises:
        OSError: a folder cannot be read.
    """
    with opened(root, links=True) as top:
        for stage in named(top, STAGE):
            with opened(stage, inside=top) as folder:
                for key in named(folder, KEY):
                    with opened(key, inside=folder) as own:
                        if own is not None and (payload := _payload(own)) is not None:
                            yield Entry(stage, key, payload)


def _payload(folder: int) -> dict[str, Any] | None:
    """What determines the artifact in an open folder; None where that cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        descriptor = os.open(PAYLOAD, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            value = json.loads(file.read(LARGEST))
        if isinstance(value, dict):
            return value
    return None


def discard(root: Path, stage: str, key: str) -> bool:
    """Take an artifact away, whole: killed on the way, what is left is a temporary. False where it is gone already.

    Raises:
        OSError: it cannot be removed.
    """
    with opened(root, links=True) as top, opened(stage, inside=top) as folder:
        if folder is None:
            return False
        aside = name_beside(root / stage / key).name
        try:
            os.rename(key, aside, src_dir_fd=folder, dst_dir_fd=folder)
        except FileNotFoundError:
            return False
        shutil.rmtree(aside, dir_fd=folder)
        return True

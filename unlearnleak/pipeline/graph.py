"""Stages as values in a graph: what determines each, what it is made from, and how. It knows none in particular."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch

from unlearnleak.store import Artifact, Contents, key_of
from unlearnleak.training.checkpoint import Checkpoints


class Work(Protocol):
    """What a stage's computation is handed."""

    @property
    def device(self) -> torch.device:
        """Where the stage is computed."""

    def __getitem__(self, role: str) -> Artifact:
        """The artifact of the parent in this role, found or computed when it is first asked for."""

    def checkpoints(self, part: str = "") -> Checkpoints | None:
        """Where a training of the stage goes on if it is killed; None if it is to start over.

        Where a stage needs several trainings, `part` tells them apart.
        """


@dataclass(frozen=True, eq=False)
class Stage:
    """One artifact to be: stored under `key`, computed from its parents where it is not there.

    Args:
        name: the kind of stage, and its folder in the store. A graph may hold several of one name.
        describe: what determines it beside its parents, as plain values; called once, when the key is first asked for.
        parents: the stages that it is made from, by the role that they play in it.
        compute: makes it; `work[role]` is a parent's artifact, found or computed when it is first asked for.
        cpu: whether it is computed in main memory, whatever the device.
        several: what several of its kind are called, where that is another word than its name.
    """

    name: str
    describe: Callable[[], Mapping[str, Any]]
    parents: Mapping[str, "Stage"]
    compute: Callable[[Work], Contents]
    cpu: bool = False
    several: str = ""

    @property
    def plural(self) -> str:
        """What several stages of this kind are called."""
        return self.several or self.name

    @cached_property
    def payload(self) -> dict[str, Any]:
        """All that determines the stage: what it says itself, and the keys of its parents by role."""
        return {**self.describe(), **{role: parent.key for role, parent in self.parents.items()}}

    @cached_property
    def key(self) -> str:
        """The stage's key, found without computing or reading any stage but those that `describe` asks for."""
        return key_of(self.payload)

    @cached_property
    def level(self) -> int:
        """1 more than the highest parent's; 0 without parents. Stages of one level do not need each other."""
        return 1 + max((parent.level for parent in self.parents.values()), default=-1)


def with_ancestors(stages: Iterable[Stage]) -> list[Stage]:
    """These stages and all that they are made from, each after its parents, the same key of a name once."""
    found: dict[tuple[str, str], Stage] = {}

    def visit(stage: Stage) -> None:
        for parent in stage.parents.values():
            visit(parent)
        found.setdefault((stage.name, stage.key), stage)

    for stage in stages:
        visit(stage)
    return list(found.values())

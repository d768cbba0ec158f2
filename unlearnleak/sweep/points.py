"""From the words of a sweep to its points: a list of overrides each."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

Choices = dict[str, list[str]]
"""By key, the overrides that choose its values, such as {"unlearner": ["unlearner=rt", "unlearner=ft"]}."""


def points(
    params: Mapping[str, Any], arguments: Sequence[str], cases: Sequence[Mapping[str, Any]] = ()
) -> list[list[str]]:
    """The overrides of every job: the product of all choices, the command line's instead of the sweep file's.

    `cases` are choices that belong together, such as the screenings of an attack: {"attack": "param_dot", "screening":
    "youden,kmeans"}. A grid has the points of every case. What the command line says about a case's keys picks among
    the cases; where none of them has such a point, the command line alone decides.
    """
    told = choices(arguments)
    common = choices(f"{key}={value}" for key, value in params.items()) | told
    spread = [picked(choices(f"{key}={value}" for key, value in case.items()), told) for case in cases]
    grids = [common | case for case in spread if case is not None] or [common]
    return [list(point) for grid in grids for point in product(*grid.values())]


def choices(words: Any) -> Choices:
    """What each override chooses from, as Hydra's own sweeper reads it; later words replace earlier ones."""
    found: Choices = {}
    for override in OverridesParser.create().parse_overrides(list(words)):
        (batch,) = BasicSweeper.split_arguments([override], max_batch_size=None)
        key = override.get_key_element().lstrip("+")  # with or without, it is the same setting
        found[key] = [word for (word,) in batch]
    return found


def picked(case: Choices, told: Choices) -> Choices | None:
    """A case with no more than what the command line chose; None where nothing of it is left."""
    left = {key: [word for word in words if word in told.get(key, words)] for key, words in case.items()}
    return left if all(left.values()) else None

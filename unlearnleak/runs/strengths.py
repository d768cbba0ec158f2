"""How strong each defence was: the settings in which the runs of one defence differ."""

import re
from collections import defaultdict
from typing import Any

Run = dict[str, Any]
NUMBERS = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])")


def with_strengths(runs: list[Run]) -> list[Run]:
    """The runs; of a defence that has several settings among them each says its own as "strength".

    "scale 0.1", or "fraction 0.5, layers all" where they differ in more than one setting. A run that does not say its
    settings, as of an early version, keeps the defence's name alone.
    """
    values: dict[tuple[str, str], set[Any]] = defaultdict(set)
    for run in runs:
        for name, value in settings(run).items():
            values[run["defense"], name].add(repr(value))

    def strength(run: Run) -> str:
        own = settings(run)
        return ", ".join(f"{name} {said(own[name])}" for name in own if len(values[run["defense"], name]) > 1)

    return [run | {"strength": word} if (word := strength(run)) else run for run in runs]


def settings(run: Run) -> dict[str, Any]:
    """The settings of a finished run's defence, by name."""
    return (run.get("defense_settings") or {}) if run["status"] == "done" and run.get("defense") else {}


def said(value: Any) -> str:
    """A setting's value for people."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def order(strength: str) -> tuple[tuple[int, float, str], ...]:
    """Sort key of a strength: by its numbers, words after them."""
    return tuple(as_number(part.rpartition(" ")[2]) for part in strength.split(", "))


def by_numbers(label: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Sort key of a text with numbers in it, such as "ft + prune (share 0.5)": by its words, then 2 before 10.

    Digits within a word, as those of a digest, are letters.
    """
    parts = NUMBERS.split(label)
    return tuple(parts[::2]), tuple(map(float, parts[1::2]))


def as_number(word: str) -> tuple[int, float, str]:
    """Sort key: numbers by their size, words after them."""
    try:
        return 0, float(word), ""
    except ValueError:
        return 1, 0.0, word

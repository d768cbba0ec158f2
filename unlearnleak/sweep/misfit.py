"""A value that some of a sweep's choices have no place for: which, and what to do."""

from collections.abc import Callable, Mapping, Sequence

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig

from unlearnleak.sweep.compose import SharedLoader, parsed

Compose = Callable[[Sequence[str]], DictConfig]


def misfit(loader: SharedLoader, compose: Compose, grid: Sequence[Sequence[str]], job: Sequence[str]) -> str | None:
    """Which choices of the grid have a place for the value that `job` has none for; None where none has.

    One job for each word that chooses is looked at: as many as there are choices, not as there are pairs of them.
    """
    word = culprit(loader, compose, job)
    if word is None:
        return None
    group = parsed(word).key_or_group.partition(".")[0]
    found: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for point, chosen in representatives(loader, grid):
        if word in point:
            config = compose([each for each in point if loader.chooses(parsed(each))])
            name = str(config.hydra.runtime.choices.get(group))
            fits = composes(compose, upto(loader, point, word))
            found[fits].setdefault(name, f"{group}={name}" + by_others(group, chosen))
    if not all(found.values()):
        return None
    having, lacking = (", ".join(found[fits].values()) for fits in (True, False))
    return (
        f"{word} suits {having}; there is no such setting in {lacking}. Sweep them apart: one command with this value "
        "for those that have it, one without it for the others. With the same sweep_name their runs lie together."
    )


def culprit(loader: SharedLoader, compose: Compose, job: Sequence[str]) -> str | None:
    """The first value of a component that a job cannot be composed with; None where it is something else."""
    for word in job:
        if sets_component(loader, parsed(word)) and not composes(compose, upto(loader, job, word)):
            return word
    return None


def upto(loader: SharedLoader, job: Sequence[str], word: str) -> list[str]:
    """A job's choices, and its values up to this one."""
    last = list(job).index(word)
    return [each for place, each in enumerate(job) if place <= last or loader.chooses(parsed(each))]


def sets_component(loader: SharedLoader, override: Override) -> bool:
    """Whether an override sets values of a component."""
    return loader.group_exists(override.key_or_group.partition(".")[0]) and not loader.chooses(override)


def composes(compose: Compose, words: Sequence[str]) -> bool:
    """Whether Hydra can compose a job of these words."""
    try:
        compose(words)
    except HydraException:
        return False
    return True


def representatives(
    loader: SharedLoader, grid: Sequence[Sequence[str]]
) -> list[tuple[Sequence[str], Mapping[str, str]]]:
    """For each word that chooses a component, the first job that has it, with those choices that the grid varies."""
    first: dict[str, Sequence[str]] = {}
    for point in grid:
        for word in point:
            first.setdefault(word, point)
    choosing = [word for word in first if loader.chooses(parsed(word))]
    values: dict[str, set[str]] = {}
    for word in choosing:
        values.setdefault(parsed(word).get_key_element(), set()).add(word)
    varied = {word: key for key, words in values.items() if len(words) > 1 for word in words}
    return [(first[word], {varied[each]: each for each in first[word] if each in varied}) for word in choosing]


def by_others(group: str, chosen: Mapping[str, str]) -> str:
    """Which choices led to this one, where the grid does not choose in the group itself."""
    return "" if group in chosen or not chosen else f" (as with {' '.join(chosen.values())})"

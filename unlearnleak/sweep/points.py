"""From the words of a sweep to its points: a list of overrides each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, Transformer
from omegaconf import OmegaConf

from unlearnleak.config.hydra_parts import BasicSweeper
from unlearnleak.errors import UserError


@dataclass(frozen=True)
class Step:
    """One override of a sweep: `words` are what it chooses from, such as ["unlearner=rt", "unlearner=ft"].

    `kind` says whether it changes, adds or removes `key`; `merges` that one of its values is a dictionary, which leaves
    the settings that it does not name; `group` that it chooses a config file.
    """

    key: str
    words: list[str]
    kind: OverrideType
    merges: bool
    group: bool

    def touches(self, other: "Step") -> bool:
        """Whether it matters which of the two comes first. Hydra takes choices before all values."""
        if self.group or other.group:
            return self.group and other.group and self.key == other.key
        short, long = sorted((self.key, other.key), key=len)
        return f"{long}.".startswith(f"{short}.")

    def replaces(self, other: "Step") -> bool:
        """Whether nothing is left of the other one's value."""
        same = self.key == other.key and self.group == other.group
        removes = OverrideType.DEL in (self.kind, other.kind)
        return same and not (self.merges or other.merges or removes)


def points(
    params: Mapping[str, Any],
    arguments: Sequence[str],
    cases: Sequence[Mapping[str, Any]] = (),
    loader: ConfigLoader | None = None,
) -> list[list[str]]:
    """The overrides of every job: the product of all choices, the command line's instead of the sweep file's.

    A key that is told twice is taken as in a single run: the later value replaces the earlier, and a dictionary is
    merged into it. `cases` are choices that belong together, such as the screenings of an attack: {"attack":
    "param_dot", "screening": "youden,kmeans"}. A grid has the points of every case. What the command line says about a
    case's keys picks among the cases; where none of them has such a point, the command line alone decides. `loader`
    knows the config files that `glob` chooses from.

    Raises:
        UserError: an override chooses from nothing.
        HydraException: an override cannot be read, or is a range without distinct values.
    """
    told = steps(arguments, loader)
    check_added_once(told)
    told = in_order(told)
    common = steps(lines(params), loader)
    spread = [picked(steps(lines(case), loader), told) for case in cases]
    grids = [arranged(common, case, told) for case in spread if case is not None] or [arranged(common, [], told)]
    return [list(point) for grid in grids for point in product(*(step.words for step in grid))]


def lines(settings: Mapping[str, Any]) -> list[str]:
    """A sweep file's settings as on a command line: texts are such words already, other values are written as these."""
    words = []
    for key, value in settings.items():
        plain: Any = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
        words.append(f"{key}={plain if isinstance(plain, str) else Transformer.str(plain)}")
    return words


def steps(words: Iterable[str], loader: ConfigLoader | None) -> list[Step]:
    """What each override chooses from, as Hydra's own sweeper reads it."""
    return [step_of(each, loader) for each in OverridesParser.create(loader).parse_overrides(list(words))]


def step_of(override: Override, loader: ConfigLoader | None) -> Step:
    """One override; see `steps`."""
    (batch,) = BasicSweeper.split_arguments([override], max_batch_size=None)
    words = [word for (word,) in batch]
    if not words:
        raise UserError(f"{override.input_line} is not possible: {nothing(override, loader)}.")
    values = override.sweep_iterator() if override.is_sweep_override() else [override.value()]
    merges = any(isinstance(value, dict) for value in values)
    group = not merges and loader is not None and bool(loader.get_group_options(override.key_or_group))
    key = override.get_key_element().lstrip("+~")  # with or without, it is the same setting
    return Step(key, words, override.type, merges, group)


def check_added_once(told: Sequence[Step]) -> None:
    """Raises UserError where the command line adds the same key twice, which a single run refuses as well."""
    added: dict[str, Step] = {}
    for step in told:
        if step.kind is OverrideType.ADD and not step.merges:
            if before := added.get(step.key):
                both = f"{before.words[0]} and {step.words[0]}"
                raise UserError(f"{both} add the same setting twice. Leave one out, or begin the later with ++.")
            added[step.key] = step
        elif step.kind is OverrideType.DEL:
            added.pop(step.key, None)


def nothing(override: Override, loader: ConfigLoader | None) -> str:
    """Why an override chooses from nothing, and what there is."""
    if override.is_range_sweep():
        return "the range is empty"
    options = loader.get_group_options(override.key_or_group) if loader else []
    there = f"choices of {override.key_or_group}: {', '.join(options)}" if options else "it is no group of choices"
    return f"nothing has such a name; {there}"


def in_order(told: Iterable[Step], before: Sequence[Step] = ()) -> list[Step]:
    """`before` and then what was `told`, without what is replaced."""
    line = list(before)
    for step in told:
        put(line, step)
    return line


def put(line: list[Step], step: Step) -> None:
    """Add a step: in the place of the one that it replaces, or at the end where one lies between that it touches."""
    last = max((place for place, old in enumerate(line) if step.touches(old)), default=None)
    adds = (OverrideType.ADD, OverrideType.FORCE_ADD)
    if last is not None and step.replaces(line[last]) and not (line[last].kind in adds and step.kind not in adds):
        line[last] = step
    else:
        line.append(step)
    for place, old in enumerate(line):
        if old is not step and step.replaces(old):  # what is left of it is at most that its key was added
            line[place] = replace(old, words=old.words[:1])


def picked(case: Sequence[Step], told: Sequence[Step]) -> list[Step] | None:
    """A case with no more than what the command line chose; None where nothing of it is left."""
    chosen = {step.key: {word.lstrip("+") for word in step.words} for step in told if decides(step)}
    left = [narrowed(step, chosen.get(step.key)) for step in case]
    return left if all(step.words for step in left) else None


def narrowed(step: Step, chosen: set[str] | None) -> Step:
    """A step with those of its words that were chosen; None: all of them."""
    if step.merges or chosen is None:
        return step
    return replace(step, words=[word for word in step.words if word.lstrip("+") in chosen])


def decides(step: Step) -> bool:
    """Whether a step of the command line picks among a sweep file's cases, rather than adding to all of them."""
    return not step.merges and step.kind is not OverrideType.DEL


def arranged(common: Sequence[Step], case: Sequence[Step], told: Sequence[Step]) -> list[Step]:
    """What a sweep file varies, one of its cases, and the command line on top, where the case has not followed it."""
    followed = {step.key for step in case if not step.merges}
    on_top = [step for step in told if not (decides(step) and step.key in followed)]
    return in_order(on_top, in_order(case, in_order(common)))

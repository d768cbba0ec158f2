"""What a run is called where it has no result: its folder's name says what was to be run (`runs.naming`)."""

from typing import Any

from unlearnleak.machine.printable import LINES, printable

Run = dict[str, Any]
PARTS = ("dataset", "model", "unlearner", "classes", "attack", "screening", "seed", "digest")


def named(run: Run) -> Run:
    """The run, with the words of data set, model, unlearner, defence, attack and screening that it lacks from its name.

    A folder of any other name gives dashes. `asked` is what was to be forgotten, `seed` the run's seed, as text.
    """
    parts = dict(zip(PARTS, run["directory"].name.split("-"), strict=False))
    whole = len(parts) == len(PARTS) and run["directory"].name.count("-") == len(PARTS) - 1
    words = {key: parts[key] if whole else "-" for key in ("dataset", "model", "unlearner", "attack", "screening")}
    words |= {"asked": parts["classes"] if whole else "-", "seed": parts["seed"].removeprefix("s") if whole else "-"}
    words["unlearner"], plus, defense = words["unlearner"].partition("+")
    words |= {"defense": defense} if plus else {}
    if "forget_classes" in run:
        words["asked"] = classes_text(run["forget_classes"])
    if "seeds" in run:
        words["seed"] = seeds_text(run["seeds"])
    return words | run


def shown(value: Any) -> Any:
    """A run, or what it holds, fit to be drawn and printed: what a terminal would act on is written out in all text."""
    if isinstance(value, str):
        return printable(value, keep=LINES)
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {shown(key): shown(item) for key, item in value.items()}
    return value


def classes_text(classes: list[int]) -> str:
    """Class numbers for people."""
    return ", ".join(map(str, classes)) or "none"


def seeds_text(seeds: dict[str, int]) -> str:
    """One number where all seeds are equal, else each seed that differs from the original model's."""
    base = seeds.get("original", next(iter(seeds.values()), None))  # a CSV may keep others only
    others = [f"{name} {seed}" for name, seed in seeds.items() if seed != base]
    return ", ".join(["-" if base is None else str(base), *others])


def unproven(runs: list[Run]) -> list[str]:
    """A sentence on finished runs whose result nobody can tell from an altered one; none where there are none.

    They count like others: results of early versions are such, and a digest proves nothing to who mistrusts its writer.
    """
    count = sum(run["status"] == "done" and bool(run.get("unproven")) for run in runs)
    if not count:
        return []
    said = "1 finished run is" if count == 1 else f"{count:,} finished runs are"
    return [f"{said} unproven: no digest in result.json says whether it was altered since it was written."]

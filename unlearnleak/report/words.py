"""What a run is called where it has no result: its folder's name says what was to be run (`unlearnleak.naming`)."""

from typing import Any

Run = dict[str, Any]
PARTS = ("dataset", "model", "unlearner", "classes", "attack", "screening", "seed", "digest")


def named(run: Run) -> Run:
    """The run, with data set, model, unlearner, attack and screening from its folder's name where it lacks them.

    A folder of any other name gives dashes. `asked` is what was to be forgotten, `seed` the run's seed, as text.
    """
    parts = dict(zip(PARTS, run["directory"].name.split("-"), strict=False))
    whole = len(parts) == len(PARTS) and run["directory"].name.count("-") == len(PARTS) - 1
    words = {key: parts[key] if whole else "-" for key in ("dataset", "model", "unlearner", "attack", "screening")}
    words |= {"asked": parts["classes"] if whole else "-", "seed": parts["seed"].removeprefix("s") if whole else "-"}
    if "forget_classes" in run:
        words["asked"] = classes_text(run["forget_classes"])
    if "seeds" in run:
        words["seed"] = seeds_text(run["seeds"])
    return words | run


NEEDED = ("dataset", "model", "unlearner", "attack", "screening", "gate", "forgotten", "verdict")
NUMBERS = ("asr", "asr_constant", "exact_match")


def checked(run: Run) -> Run:
    """The run; as failed where its result lacks what a report cannot do without, such as that of another program."""
    missing = [key for key in (*NEEDED, *NUMBERS) if run.get(key) is None] if run["status"] == "done" else []
    return run | {"status": "failed", "why": f"result.json lacks {', '.join(missing)}"} if missing else run


def classes_text(classes: list[int]) -> str:
    """Class numbers for people."""
    return ", ".join(map(str, classes)) or "none"


def seeds_text(seeds: dict[str, int]) -> str:
    """One number where all seeds are equal, else each seed that differs from the original model's."""
    base = seeds.get("original", next(iter(seeds.values()), None))  # a CSV may keep others only
    others = [f"{name} {seed}" for name, seed in seeds.items() if seed != base]
    return ", ".join(["-" if base is None else str(base), *others])

"""What a run is called where it has no result: its folder's name says what was to be run (`runs.naming`)."""

from typing import Any

from unlearnleak.machine.printable import LINES, printable

Run = dict[str, Any]
NO_DEFENSE = "none"
"""The word of a run without a defence; older results have none."""
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
    words["screening"] = words["screening"].partition("+")[0]  # what else was measured stands in results alone
    if "forget_classes" in run:
        words["asked"] = classes_text(run["forget_classes"])
    if "seeds" in run:
        words["seed"] = seeds_text(run["seeds"])
    return words | run


def forgotten_count(run: Run) -> str:
    """How many classes were forgotten: the control has none, whatever its config names."""
    return "0" if run["gate"] == "control" else str(len(run["forgotten"]))


def method(run: Run) -> str:
    """What was done to the model, in words: the unlearner, what it was to forget where that is not whole classes, and
    the defence where there is one; such as "ft", "rt (20 %)", "rt (4 samples)", "rt (100 %, tuned on 512)"
    after a fine-tuning stage, "ft + weight_noise", and
    "ft + weight_noise (scale 0.5)" among runs of several strengths (`runs.strengths`); and "rt (attacker: 5 a class)"
    where the attacker holds other labelled samples than the data set sets aside.
    """
    share, tuned = run.get("forget_share"), run.get("finetuning_samples")
    parts = []
    if run.get("gate") != "control":  # a run without a result has none
        if share is not None and (share < 1 or tuned):
            parts.append(f"{100 * share:g} %")
        elif run.get("forget_level") == "sample":
            parts.append(samples(run))
    parts += [f"tuned on {tuned}"] if tuned else []
    forgot = f" ({', '.join(parts)})" if parts else ""
    defense = run.get("defense") or NO_DEFENSE
    strength = f" ({run['strength']})" if run.get("strength") else ""
    held = f" (attacker: {run['held']})" if run.get("held") else ""
    return f"{run['unlearner']}{forgot}{'' if defense == NO_DEFENSE else f' + {defense}{strength}'}{held}"


def samples(run: Run) -> str:
    """How many samples a run forgot, in words; older results do not say."""
    count = run.get("forget_samples")
    return "samples" if count is None else "1 sample" if count == 1 else f"{count} samples"


def target(run: Run) -> str:
    """What an attacker faces, the same for all runs on it: the original model and the forgotten classes."""
    return repr((*original(run), tuple(sorted(run["forgotten"]))))


def original(run: Run) -> tuple[int | None, int | None]:
    """Which original model: its seed and that of its data; a CSV that keeps the latter alone has them equal."""
    seeds = run.get("seeds", {})
    data = seeds.get("data")
    return seeds.get("original", data), data


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

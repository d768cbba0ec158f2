"""Runs as one tidy pandas table: what notebooks get, and what tables, figures and the page are made of."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.config.objective import RECOVERED
from unlearnleak.runs.loading import job_of, load_runs
from unlearnleak.runs.shape import NEEDED, NUMBERS, RATES
from unlearnleak.runs.stages import attacked_model
from unlearnleak.runs.words import NO_DEFENSE, forgotten_count, method, named, original, target

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

Run = dict[str, Any]
REAL = {*RATES, *NUMBERS, *RECOVERED, "forget_share", "detection_score"}
"""Columns of real numbers, also where every one of them happens to be whole."""
REAL_PREFIXES = ("seconds_", "memory_mib_")


def load(runs: str | Path | Iterable[str | Path]) -> "pd.DataFrame":
    """One row per run below the folder or folders `runs`, sorted by directory; then those of the CSVs among `runs`.

    The columns are the keys of result.json. Nested keys are joined by dots ("seeds.original", "versions.torch"), lists
    stay lists. Beside them stand "status" (done, failed, skipped, running, waiting), "why", "time" (seconds since 1970)
    and "directory". A run without a result has the words that its folder's name says, and no numbers. A
    row of a CSV that `unlearnleak table --csv` wrote has what the CSV has, and the CSV's path as "csv".

    Columns have types: "string", "Int64", "Float64" (rates, seconds), "boolean"; what a run does not have, or what was
    not defined for it, is `pandas.NA`.

    >>> load("outputs/runs/demo").groupby(["unlearner", "attack"])["asr"].mean()

    Raises:
        UserError: a folder is not there, or holds no run at all; a file is no table of runs.
    """
    folders = [runs] if isinstance(runs, str | Path) else list(runs)
    return tidy([named(run) for run in load_runs([Path(folder) for folder in folders])])


MODEL = (
    *("dataset", "model", "unlearner", "defense", "settings", "seeds"),
    *("forget_acc", "retain_acc", "original_forget_acc", "original_retain_acc", "forgotten"),
)
"""What runs on one model have in common, where no key names it."""


def framed(runs: list[Run]) -> "pd.DataFrame":
    """One row a run, as `load` says, in the order of `runs`, whose places are the index; what reports are made of.

    Beside the keys of result.json, finished runs have the words that they are grouped by: "method" (`words.method`),
    "undefended" (the same without the defence), "count" of forgotten classes, "named" (the classes that were asked
    for), and what tells jobs, attacked models, original models and targets apart: "job", "attacked", "original",
    "target". Every number of a result has a column.
    """
    import pandas as pd  # noqa: PLC0415  (half a second)

    told = tidy([run | identified(run, place) for place, run in enumerate(runs)])
    lacking = [name for name in dict.fromkeys((*KNOWN, *sorted(REAL))) if name not in told]
    kinds = {name: "Float64" if name in REAL else "string" for name in lacking}
    told = told.assign(**{name: pd.array([None] * len(told), dtype=kind) for name, kind in kinds.items()})
    return told.assign(
        settings=told["settings"].astype("string").fillna(""), **{name: told[name].astype("Int64") for name in COUNTS}
    )


COUNTS = ("count", "finetuning_samples")
KNOWN = (
    *(
        *NEEDED,
        "defense",
        "strength",
        "sees_original",
        "held",
        "forget_level",
        "finetuning_samples",
        "status",
        "settings",
        "why",
        "directory",
    ),
    *("job", "method", "undefended", "count", "named", "attacked", "original", "target"),
)
"""Columns that every frame has, beside those of numbers."""


def identified(run: Run, place: int) -> Run:
    """What tells a finished run from others, and what it is grouped by."""
    if run["status"] != "done":
        return {}
    return {
        "method": method(run),
        "undefended": method(run | {"defense": NO_DEFENSE, "held": None}),
        "count": int(forgotten_count(run)),
        "named": repr(sorted(run.get("forget_classes") or run["forgotten"])),
        "job": job_of(run) or f"run {place}",
        "attacked": attacked_model(run) or repr([run.get(key) for key in MODEL]),
        "original": repr(original(run)),
        "target": target(run),
    } | (
        {"detection_score": max(score for score in run["scores"] if score is not None)}
        if run.get("scores") and run.get("detection_score") is None
        else {}
    )


def tidy(runs: list[dict[str, Any]]) -> "pd.DataFrame":
    """One row a run, as `load` says."""
    import pandas as pd  # noqa: PLC0415  (half a second)

    flat = pd.json_normalize(
        [
            {key: value for key, value in run.items() if key != "lacks"} | {"directory": str(run["directory"])}
            for run in runs
        ]
    )
    typed = flat.convert_dtypes()
    real = [name for name in typed if name in REAL or str(name).startswith(REAL_PREFIXES)]
    return typed.assign(**{name: pd.array([number(value) for value in flat[name]], dtype="Float64") for name in real})


def number(value: Any) -> float | None:
    """A real number; None for what is missing, which pandas may have made NaN."""
    return None if value is None or value != value else float(value)  # noqa: PLR0124  (NaN alone differs from itself)

"""Runs as one tidy pandas table: what notebooks get, and what the report's table of runs is made of."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.shape import NUMBERS, RATES
from unlearnleak.runs.words import named

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

REAL = {*RATES, *NUMBERS, "forget_share"}
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

"""Runs as a pandas table, for notebooks."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnleak.runs.loading import load_runs
from unlearnleak.runs.words import named

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]


def load(runs: str | Path | Iterable[str | Path]) -> "pd.DataFrame":
    """One row per run below the folder or folders `runs`, sorted by directory; then those of the CSVs among `runs`.

    The columns are the keys of result.json. Nested keys are joined by dots ("seeds.original", "versions.torch"), lists
    stay lists. Beside them stand "status" (done, failed, skipped, running, waiting), "why", "time" (seconds since 1970)
    and "directory". A run without a result has the words that its folder's name says, and no numbers. A
    row of a CSV that `unlearnleak table --csv` wrote has what the CSV has, and the CSV's path as "csv".

    Raises:
        UserError: a folder is not there, or holds no run at all; a file is no table of runs.
    """
    folders = [runs] if isinstance(runs, str | Path) else list(runs)
    return flat_frame([named(run) for run in load_runs([Path(folder) for folder in folders])])


def flat_frame(runs: list[dict[str, Any]]) -> "pd.DataFrame":
    """The runs' rows."""
    import pandas as pd  # noqa: PLC0415  (half a second)

    return pd.json_normalize(
        [
            {key: value for key, value in run.items() if key != "lacks"} | {"directory": str(run["directory"])}
            for run in runs
        ]
    )

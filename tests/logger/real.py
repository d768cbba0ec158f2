"""Small real jobs whose W&B runs are offline."""

from pathlib import Path
from typing import Any

from tests.jobs import composed, overrides_in
from unlearnleak.pipeline.job import run_job


def run_small(folder: Path, *overrides: str, name: str = "run", sweep: bool = False) -> dict[str, Any] | None:
    """Run one small job in `folder`/runs/`name`; all jobs in a folder share its images and its store."""
    config = composed(*overrides_in(folder, "logger=wandb", "logger.mode=offline", *overrides))
    return run_job(config, folder / "runs" / name, sweep=sweep)

"""No logger: `result.json` and the run's log file are all there is."""

from pathlib import Path
from typing import Any

import numpy as np

from unlearnleak.logger.base import RunLogger


class NoLogger(RunLogger):
    """Takes every call and does nothing."""

    def start(
        self,
        *,
        directory: Path,
        name: str,
        config: dict[str, Any],
        group: str,
        job_type: str,
        tags: list[str],
    ) -> None:
        """Do nothing."""

    def curve(self, name: str, rows: list[dict[str, float]]) -> None:
        """Do nothing."""

    def table(self, name: str, columns: list[str], rows: list[list[Any]]) -> None:
        """Do nothing."""

    def histogram(self, name: str, groups: dict[str, list[float]]) -> None:
        """Do nothing."""

    def images(self, name: str, images_NCHW: np.ndarray, captions: list[str]) -> None:
        """Do nothing."""

    def summary(self, values: dict[str, Any]) -> None:
        """Do nothing."""

    def finish(self, *, exit_code: int) -> None:
        """Do nothing."""

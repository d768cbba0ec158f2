"""What every logger can do: the pipeline calls `start`, then any of the middle ones, then `finish`."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np


class RunLogger(ABC):
    """Shows one run at a time; after `finish`, `start` may be called again for the next run.

    The caller puts `finish` into a `finally`: a run without it has no true exit code.

    No result is lost for a logger's sake. A mistake that keeps it from starting is an error, before anything is
    trained. Where its back end cannot be reached, or breaks later, it warns once, sets `broken`, and lets all further
    calls pass.
    """

    broken: str | None = None
    """Why the run, since its `start`, is not shown in full; None while all is well. Final after `finish`."""

    @abstractmethod
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
        """Begin a run; its files go to a folder of the logger's own below `directory`.

        `config` is the run's whole configuration as plain values; runs of one sweep share their `group`.

        Raises:
            UserError: this logger cannot run here; the message says what to do about it.
        """

    def check(self) -> None:  # noqa: B027  (most loggers have nothing to find)
        """Find mistakes that would keep it from starting, before a sweep launches anything.

        Raises:
            UserError: as `start` does; the message says what to do about it.
        """

    @abstractmethod
    def curve(self, name: str, rows: list[dict[str, float]]) -> None:
        """Draw `rows` as curves `name/<key>` over `name/epoch`; every row has the key "epoch"."""

    @abstractmethod
    def table(self, name: str, columns: list[str], rows: list[list[Any]]) -> None:
        """Show a table; a row has one value per column, and a column values of one type, or None."""

    @abstractmethod
    def histogram(self, name: str, groups: dict[str, list[float]]) -> None:
        """Show one histogram per group, such as per class, as `name/<group>`, all with the same bins."""

    @abstractmethod
    def images(self, name: str, images_NCHW: np.ndarray, captions: list[str]) -> None:
        """Show N images, uint8 in [0, 255], C = 1 (grey) or 3 (RGB), each with its caption."""

    @abstractmethod
    def summary(self, values: dict[str, Any]) -> None:
        """Set the run's final values, keyed as in `result.json`; a value may be None or a nested dict."""

    @abstractmethod
    def finish(self, *, exit_code: int) -> None:
        """End the run; every `exit_code` but 0 marks it as failed. Does nothing where no run is open."""

"""Weights & Biases, offline unless told otherwise; every run is a W&B run of its own.

Measured offline with wandb 0.31.0 on one CPU core (n = 12, medians): a process's first run pays 0.9 s (import
0.5 s, service 0.4 s), each further one 10 ms for `start` and `finish`; with W&B's default settings, 55 ms.
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from unlearnleak.errors import UserError
from unlearnleak.logger.base import RunLogger
from unlearnleak.tracking import wandb_id
from unlearnleak.tracking.wandb_config import by_words, drawable
from unlearnleak.tracking.wandb_service import WAY_OUT, files_in, forget_service, library, require_key, settings

if TYPE_CHECKING:
    from wandb import Run

log = logging.getLogger(__name__)

MODES = ("offline", "online", "disabled")
TRUE = ("1", "true", "yes", "on")

# W&B's server refuses longer ones, and an offline run learns it only when it is synced
# (https://github.com/wandb/wandb/issues/6402, https://github.com/wandb/wandb/issues/4208).
LONGEST_NAME, LONGEST_JOB_TYPE, LONGEST_TAG = 128, 64, 64

AGAIN = "The result is kept; the same command again logs the whole run anew and computes nothing twice."

PAUSE = 600.0
"""Seconds for which a process does not ask a server again that it could not reach: each try takes `init_timeout`."""

unreached: dict[tuple[Any, ...], tuple[float, str]] = {}
"""Where this process could not begin a run, when it last tried, and why."""


class WandbLogger(RunLogger):
    """Writes to W&B.

    W&B's config is the run's, with each group's word in its place (`wandb_config.by_words`), so that tables and
    panels group by it. Its summary has the keys of `result.json`, with 0 or 1 for a boolean. Curves stay out of
    it; beside those keys are only tables, histograms and images, which W&B's panels look for there, and W&B's
    own keys, which begin with an underscore. Nested dicts stay nested (W&B shows `seconds.original`). A None is
    null in the run's file; on upload W&B drops a top-level null (an empty cell in its tables) and keeps a nested
    one.

    Args:
        project: the W&B project.
        entity: the W&B team or user; None is the account's default.
        mode: offline (files only), online (uploaded as it runs) or disabled (W&B is loaded and does nothing).
        bins: of every histogram.
        flush_seconds: the longest time for which a logged row is in memory only.
        init_timeout: seconds to reach the server before giving up.
        finish_timeout: seconds that `finish` waits for the upload.

    Raises:
        UserError: `mode` is none of these.
    """

    def __init__(
        self,
        *,
        project: str,
        entity: str | None,
        mode: str,
        bins: int,
        flush_seconds: float,
        init_timeout: float,
        finish_timeout: float,
    ) -> None:
        if mode not in MODES:
            raise UserError(f"logger.mode={mode!r} (WANDB_MODE sets it) is none of {', '.join(MODES)}. {WAY_OUT}")
        if os.environ.get("WANDB_DISABLED", "").lower() in TRUE:  # W&B itself lets a mode overrule it
            mode = "disabled"
        self.where = {"project": project, "entity": entity, "mode": mode}
        self.bins = bins
        self.limits = {
            "x_transaction_log_flush_interval": flush_seconds,
            "init_timeout": init_timeout,
            "finish_timeout": finish_timeout,
            "finish_timeout_raises": True,
        }
        self._run: Run | None = None
        self._folder = Path()

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
        """Begin a W&B run in `directory`/wandb; a name, group, job type or tag is cut to W&B's limit.

        The run has the id in WANDB_RUN_ID, which `wandb agent` sets for each run that it starts, or a new one. Where
        the server cannot be reached, or does not let this account in, the run is `broken` from the start.

        Raises:
            UserError: something that W&B can never take: no key or an impossible one, an impossible project.
        """
        assert self._run is None, "finish() the run before the next start()"
        self.broken = None
        self._folder = directory / "wandb"
        self._folder.mkdir(parents=True, exist_ok=True)
        what = {
            "dir": directory,
            "name": name[:LONGEST_NAME],
            "config": by_words(config),
            "group": group[:LONGEST_NAME],
            "job_type": job_type[:LONGEST_JOB_TYPE],
            "tags": list(dict.fromkeys(tag[:LONGEST_TAG] for tag in tags if tag)),
        }
        try:
            self._run = self._begin(what)
        except UserError:
            raise
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise UserError(f"W&B does not take a WANDB_ variable, or a line of its settings file: {told}") from error
        except Exception as error:
            log.warning("W&B's service does not answer (%r); starting a new one", error)
            forget_service()
            self._run = self._begin(what)
        if self.where["mode"] == "online" and not self.broken:
            log.info("W&B run: %s", self._run.url)

    def check(self) -> None:
        """Raises UserError where `start` would find no API key, or no run of the job's own; asks no server."""
        wandb_id.check_environment()
        if self.where["mode"] == "online":
            require_key("logger.mode=online", WAY_OUT)

    def curve(self, name: str, rows: list[dict[str, float]]) -> None:
        """Log a W&B row per row, over `name/epoch` instead of W&B's own step, which counts all rows."""
        assert all("epoch" in row for row in rows), rows
        with self._writing() as run:
            run.define_metric(f"{name}/epoch", hidden=True, summary="none")
            run.define_metric(f"{name}/*", step_metric=f"{name}/epoch", summary="none")
            for row in rows:
                run.log({f"{name}/{key}": value for key, value in row.items()})

    def table(self, name: str, columns: list[str], rows: list[list[Any]]) -> None:
        """Log a W&B table."""
        table = library().Table(columns=columns, data=rows)
        with files_in(self._folder), self._writing() as run:
            run.log({name: table})

    def histogram(self, name: str, groups: dict[str, list[float]]) -> None:
        """Log a histogram per group, over the range of all; values that are not finite are left out."""
        values = {group: np.asarray(sample, dtype=np.float64) for group, sample in groups.items()}
        finite = {group: sample[np.isfinite(sample)] for group, sample in values.items()}
        if left_out := sum(values[group].size - finite[group].size for group in groups):
            log.warning("%s: %d values are not finite and missing from the histograms", name, left_out)
        edges = np.histogram_bin_edges(np.concatenate([np.empty(0), *finite.values()]), bins=self.bins)
        bars = {group: np.histogram(sample, bins=edges) for group, sample in finite.items()}
        histogram = library().Histogram
        with self._writing() as run:
            run.log({f"{name}/{group}": histogram(np_histogram=bar) for group, bar in bars.items()})

    def images(self, name: str, images_NCHW: np.ndarray, captions: list[str]) -> None:
        """Log N images under one name; W&B shows at most 108 of them. Rows of a table are no pictures, and left out."""
        assert images_NCHW.dtype == np.uint8, images_NCHW.dtype
        if images_NCHW.shape[1] not in (1, 3):
            return
        arrays = [x[0] if len(x) == 1 else x.transpose(1, 2, 0) for x in images_NCHW]
        image = library().Image
        with self._writing() as run:
            run.log({name: [image(array, caption=text) for array, text in zip(arrays, captions, strict=True)]})

    def summary(self, values: dict[str, Any]) -> None:
        """Set W&B's summary values; the numbers among them are also a row, for panels that draw logged values only."""
        shown = drawable(values)
        with self._writing() as run:
            run.log({name: value for name, value in shown.items() if isinstance(value, int | float)})
            run.summary.update(shown)

    def finish(self, *, exit_code: int) -> None:
        """End the W&B run, after waiting for its upload where it is online.

        What goes wrong here is warned of and not raised: called in a `finally`, it would hide what ended the
        run.
        """
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.finish(exit_code=exit_code)
        except TimeoutError:
            waited = f"W&B's upload did not end within {self.limits['finish_timeout']} s"
            self._give_up(f"{waited}; what is left lies in {run.settings.sync_dir}, for `wandb sync`")
        except Exception as error:
            self._give_up(f"W&B's service has died ({error!r}), perhaps killed with the job")
            forget_service()

    @contextmanager
    def _writing(self) -> "Iterator[Run]":
        """The open run, for a call to W&B: its service may be dead, its server silent, the disk full.

        W&B raises errors of many kinds for these, and a result is worth more than its picture. Later calls are tried
        all the same: of a server that is silent only tables take notice, and the rest is kept on the disk.
        """
        assert self._run is not None, "start() comes first, and nothing is logged after finish()"
        try:
            yield self._run
        except Exception as error:
            self._give_up(f"W&B does not take the run's rows any more ({error!r})")

    def _give_up(self, why: str) -> None:
        if self.broken is None:
            self.broken = why
            log.warning("%s. %s", why, AGAIN)

    def _begin(self, what: dict[str, Any]) -> "Run":
        wandb, place = library(), tuple(self.where.values())
        self.check()
        when, why = unreached.get(place, (float("-inf"), ""))
        if time.monotonic() < when + PAUSE:
            return self._without(why, what)
        try:
            more = {"id": wandb_id.id_for(self._folder.parent), "reinit": "create_new"}
            with files_in(self._folder):
                run: Run = wandb.init(**self.where, **what, **more, settings=settings(**self.limits))
        except (wandb.errors.AuthenticationError, wandb.errors.UsageError) as error:  # the former is a CommError too
            raise UserError(f"W&B does not start: {error}\n{WAY_OUT}") from error
        except wandb.errors.CommError as error:
            unreached[place] = (time.monotonic(), str(error))
            return self._without(str(error), what)
        except wandb.Error as error:
            raise UserError(f"W&B does not start: {error}\n{WAY_OUT}") from error
        wandb_id.used.add(run.id)
        return run

    def _without(self, why: str, what: dict[str, Any]) -> "Run":
        """A run that takes everything and keeps nothing, as the server cannot be reached."""
        self._give_up(f"W&B cannot be reached: {why.splitlines()[0]}")
        run: Run = library().init(mode="disabled", dir=what["dir"], settings=settings())
        return run

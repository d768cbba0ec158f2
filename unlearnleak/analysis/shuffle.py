"""The level of chance: the same verdicts judged against a truth that was dealt out at random."""

from typing import Any

import numpy as np

from unlearnleak.errors import UserError, require
from unlearnleak.metric.verdict import verdict_metrics
from unlearnleak.runs.shape import UNJUDGED


def shuffled(runs: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The runs with every finished run's forgotten classes replaced by as many drawn at random.

    Verdicts and scores stay, their metrics are computed anew: what a verdict of this size is right by luck, for one
    class of ten exact in 10 % of the runs at most, AUROC 1/2. It cannot show that an attack was told the truth: such a
    one is right by luck as seldom. The as-published figure is left out: it is fitted to the truth.

    Raises:
        UserError: the seed is negative; a finished run does not say how many classes there are, or their scores.
    """
    require(seed >= 0, "--shuffle-truth", seed, "a seed is a whole number from 0 on, such as 1")
    random = np.random.default_rng(seed)
    found = []
    for run in runs:
        if run["status"] != "done" or run.get("screening") == UNJUDGED:
            found.append(run)
            continue
        if missing := [key for key in ("num_classes", "scores") if run.get(key) is None]:
            raise UserError(f"{run['directory']} lacks {', '.join(missing)}, which a shuffled truth is judged by.")
        classes = run["num_classes"]
        if len(run["scores"]) != classes or len(run["forgotten"]) > classes:
            raise UserError(f"{run['directory']} has {classes} classes, and scores or forgotten classes for others.")
        truth_K = np.isin(np.arange(classes), random.choice(classes, len(run["forgotten"]), replace=False))
        verdict_K = np.isin(np.arange(classes), run["verdict"])
        score_K = np.asarray(run["scores"], dtype=float)  # None becomes no number
        numbers = verdict_metrics(verdict_K, score_K, truth_K, ~np.isnan(score_K))
        found.append(run | numbers | {"asr_published": None, "forgotten": truth_K.nonzero()[0].tolist()})
    return found

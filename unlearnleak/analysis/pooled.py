"""Exact verdicts over all unlearners together: several models of one target go together, and count so."""

from typing import TYPE_CHECKING

from unlearnleak.analysis.groups import cases
from unlearnleak.metric.interval import clustered, effective, wilson

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

COLUMNS = ["dataset", "attack", "screening", "count", "hits", "n", "targets", "originals", "effective", "low", "high"]


def pooled(runs: "pd.DataFrame") -> "pd.DataFrame":
    """A line per data set, attack, screening and number of forgotten classes, columns COLUMNS.

    A cluster is a target: an original model and a forgotten set, which several unlearners met. Of controls, whose
    number of classes is 0, hits are silent verdicts and a cluster is an original model. Hand over runs of one kind: of
    several defences or shares all would be taken together.
    """
    import pandas as pd  # noqa: PLC0415  (half a second)

    lines = []
    for words, of in cases(runs).groupby(["dataset", "attack", "screening", "count"], sort=False):
        by = of.groupby("original" if words[3] == 0 else "target")["exact_match"]
        hits, sizes = by.sum().to_numpy(float), by.count().to_numpy(float)
        ends = wilson(int(hits.sum()), int(sizes.sum())) if (sizes == 1).all() else clustered(hits, sizes)
        told = (int(hits.sum()), int(sizes.sum()), len(sizes), of["original"].nunique(), effective(hits, sizes))
        lines.append((*words, *told, *ends))
    return pd.DataFrame(lines, columns=COLUMNS)

"""Two groups of verdicts on the same targets held against each other, and a family of such comparisons adjusted.

Several models of one target (an original and a forgotten set) go together, so that a target is one observation: what is
permuted are the signs of the targets' differences. Holm's adjustment (1979) is that of `compare`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from unlearnleak.analysis.compare import holm, permuted

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

KEYS = ["dataset", "unit"]


class Paired(NamedTuple):
    """A comparison: what of each side was so, of how many runs, on how many targets.

    p: two-sided, of the sign permutation. q: adjusted for the family that it is part of.
    """

    said: str
    first: int
    second: int
    n_first: int
    n_second: int
    targets: int
    p: float
    q: float


def paired(said: str, first: "pd.DataFrame", second: "pd.DataFrame", metric: str = "exact_match") -> Paired:
    """Both groups of runs on the targets that both have; a control's target is its original.

    Raises:
        ValueError: they have no target in common.
    """
    import pandas as pd  # noqa: PLC0415  (half a second)

    sides = []
    for runs in (first, second):
        unit = runs["target"].where(runs["gate"] != "control", runs["original"])
        sides.append(runs.assign(unit=unit).groupby(KEYS)[metric].agg(["sum", "count"]))
    both = pd.concat(sides, axis=1, join="inner", keys=["first", "second"])
    if both.empty:
        raise ValueError(f"{said}: the two sides have no target in common.")
    shares = [(both[side, "sum"] / both[side, "count"]).to_numpy(float) for side in ("first", "second")]
    difference = shares[1] - shares[0]
    p = permuted((difference,), lambda d, axis: d.mean(axis), "samples") if difference.any() else 1.0
    hits, sizes = ([int(both[side, what].sum()) for side in ("first", "second")] for what in ("sum", "count"))
    return Paired(said, hits[0], hits[1], sizes[0], sizes[1], len(both), p, p)


def adjusted(family: Iterable[Paired]) -> list[Paired]:
    """The comparisons with their adjusted p values, in their order."""
    found = list(family)
    return [one._replace(q=q) for one, q in zip(found, holm([one.p for one in found]), strict=True)]

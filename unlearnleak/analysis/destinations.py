"""Where images of the forgotten classes go: shares of the predictions, in the order of what retrained models say."""

from typing import Any

import numpy as np

from unlearnleak.analysis.evaluated import Measured

SHARES = "shares_forget_test"
RETRAINED = f"retrained_{SHARES}"
PARTS = ("the forgotten classes", "retraining's first", "its second", "its third", "others")
"""What shares are gathered into: the retained classes that retrained models say most often stand alone."""


def told(one: Measured) -> bool:
    """Whether the models' shares are known, and retrained ones' beside them."""
    return {f"evaluation.{SHARES}", f"evaluation.{RETRAINED}"} <= set(one.runs)


def parts(lines: list[Measured], name: str = SHARES) -> np.ndarray:
    """The shares of PARTS [models, parts] of each model, or of what lines have in common of each target once."""
    found: dict[Any, list[float]] = {}
    for one in lines:
        for _, run in one.runs.iterrows():
            shares, yardstick = run.get(f"evaluation.{name}"), run.get(f"evaluation.{RETRAINED}")
            if isinstance(shares, list) and isinstance(yardstick, list):
                key = run["target"] if len(lines) > 1 else run["job"]
                found.setdefault(str(key), in_parts(shares, yardstick, run["forgotten"]))
    return np.array(list(found.values())).reshape(-1, len(PARTS))


def in_parts(shares: list[float], yardstick: list[float], forgotten: list[int]) -> list[float]:
    """A model's shares as PARTS, by the order of the yardstick's."""
    others = [c for c in sorted(range(len(shares)), key=lambda c: -yardstick[c]) if c not in set(forgotten)]
    return [
        sum(shares[c] for c in forgotten),
        *(shares[c] for c in others[:3]),
        *[0.0] * (3 - len(others[:3])),
        sum(shares[c] for c in others[3:]),
    ]

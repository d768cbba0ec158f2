"""Runs that never ran: a result with every key that a table reads."""

import json
from pathlib import Path
from typing import Any

RESULT: dict[str, Any] = {
    "dataset": "digits",
    "model": "lenet",
    "unlearner": "rt",
    "attack": "param_dot",
    "screening": "youden",
    "forgotten": [3],
    "gate": "passed",
    "asr": 1.0,
    "asr_constant": 0.9,
    "asr_published": None,
    "exact_match": 1.0,
    "forgotten_ranked_first": 1.0,
    "forget_acc": 0.0,
    "retain_acc": 0.95,
}


def run(**changed: Any) -> dict[str, Any]:
    """A finished run as `load_runs` gives it."""
    return RESULT | {"status": "done", "why": None, "directory": Path("somewhere")} | changed


def write_run(folder: Path, status: str = "done", why: str | None = None, **changed: Any) -> Path:
    """A run's two files."""
    folder.mkdir(parents=True)
    entry = {"status": status} | ({} if why is None else {"why": why})
    folder.joinpath("status.json").write_text(json.dumps(entry))
    if status == "done":
        folder.joinpath("result.json").write_text(json.dumps(RESULT | changed))
    return folder

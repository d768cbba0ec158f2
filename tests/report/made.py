"""Runs that never ran: a result with every key that a report reads, and a store to go with it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unlearnleak.metric.verdict import verdict_metrics
from unlearnleak.store import Contents, Store, key_of

RESULT: dict[str, Any] = {
    "dataset": "digits",
    "model": "lenet",
    "unlearner": "rt",
    "attack": "param_dot",
    "screening": "youden",
    "forgotten": [3],
    "verdict": [3],
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


def judged(
    forgotten: list[int], verdict: list[int], classes: int = 10, seed: int = 0, **changed: Any
) -> dict[str, Any]:
    """What differs in a run whose attack gave this verdict: its metrics follow from it."""
    truth_K, verdict_K = (np.isin(np.arange(classes), chosen) for chosen in (forgotten, verdict))
    scores = [1.0 + c / 100 if c in verdict else c / 100 for c in range(classes)]
    numbers = verdict_metrics(verdict_K, np.array(scores), truth_K)
    told = {
        "forgotten": forgotten,
        "verdict": verdict,
        "scores": scores,
        "num_classes": classes,
        "settings": "5e771465",
    }
    told |= {"forget_classes": forgotten or [3], "gate": "passed" if forgotten else "control", "gate_reasons": []}
    seeds = {"seeds": dict.fromkeys(("data", "forget", "original", "unlearning", "attack"), seed)}
    return numbers | told | seeds | {"versions": {"torch": "2.15.0"}, "device": "cpu", "queries": 0} | changed


def write_run(folder: Path, status: str = "done", why: str | None = None, **changed: Any) -> Path:
    """A run's two files."""
    folder.mkdir(parents=True)
    entry = {"status": status} | ({} if why is None else {"why": why})
    folder.joinpath("status.json").write_text(json.dumps(entry))
    if status == "done":
        folder.joinpath("result.json").write_text(json.dumps(RESULT | changed))
    return folder


def hydra(folder: Path, store: Path | str, words: list[str], cwd: Path | str = "/nowhere") -> None:
    """What Hydra leaves beside a run, as far as a report reads it."""
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "config.yaml").write_text(json.dumps({"store": str(store)}))
    (folder / ".hydra" / "hydra.yaml").write_text(json.dumps({"hydra": {"runtime": {"cwd": str(cwd)}}}))
    (folder / ".hydra" / "overrides.yaml").write_text(json.dumps(words))


def keep(root: Path, stage: str, meta: dict[str, Any] | None = None, **tensors: torch.Tensor) -> str:
    """Publish an artifact and return its key."""
    payload = {"of": stage, "meta": repr(meta), "sums": [float(tensor.double().sum()) for tensor in tensors.values()]}
    Store(root).get_or_compute(stage, payload, lambda: Contents(tensors, meta or {}))
    return key_of(payload)

"""Runs of the paper's grid that never ran."""

from typing import Any

from tests.report.made import judged, run


def attacked(verdict: list[int], forgotten: list[int] | None = None, seed: int = 0, **changed: Any) -> dict[str, Any]:
    """A finished run on mnist that forgot class 3, unless told otherwise; its metrics follow from the verdict."""
    words = {"dataset": "mnist", "unlearner": "rt", "original_forget_acc": 0.99, "original_retain_acc": 0.98}
    return run(**judged(forgotten or [3], verdict, seed=seed)) | words | changed


def published(values: list[float], **changed: Any) -> list[dict[str, Any]]:
    """A run per value of asr_published, each on a target of its own."""
    return [attacked([i % 10], [i % 10], i // 10, asr_published=value, **changed) for i, value in enumerate(values)]

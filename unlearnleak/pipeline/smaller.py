"""Which of a job's settings take less memory in a stage, for the message where there is not enough."""

from collections.abc import Set

from unlearnleak.config.component import Component
from unlearnleak.pipeline.plan import Plan

BATCHES = ("batch_size", "forget_batch_size")
AT_ONCE = ("chunk", "restarts")
"""Of an attack, what is in memory at once; the first that it has is named."""


def smaller(plan: Plan, stage: str) -> list[str]:
    """The settings of which a smaller value takes less memory in this stage, as on the command line."""
    trained = "training.batch_size" if plan.finetuning is None else "finetuning.batch_size"
    if stage == "pretrained":
        return ["training.batch_size"]
    if stage == "original":
        ledgers = ["unlearner.ledger_classes"] if "ledger_classes" in settings(plan, "unlearner") else []
        return [trained, *ledgers]
    if stage == "unlearned":
        own = [f"unlearner.{name}" for name in BATCHES if name in settings(plan, "unlearner")]
        return own or [trained]
    if stage == "evidence":
        return [f"attack.{name}" for name in AT_ONCE if name in settings(plan, "attack")][:1]
    return []


def settings(plan: Plan, group: str) -> Set[str]:
    """The names of a component's settings."""
    component = getattr(plan, group)
    more = component.memory_keys if isinstance(component, Component) else frozenset()
    return {*plan.spec[group]["settings"], *more}

"""What an evaluation is handed, made of artifacts and of the experiment's data."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from unlearnleak.evaluation.base.subject import Seen, Shadow, Subject
from unlearnleak.machine import seeds
from unlearnleak.model.base.answers import Answering, undefended
from unlearnleak.pipeline import models
from unlearnleak.pipeline.setting import Setting
from unlearnleak.store import Artifact


def seen(setting: Setting, artifact: Artifact, answering: Answering = undefended) -> Seen:
    """The model that an artifact holds, with what it answers."""
    return Seen(models.stored(setting.plan, setting.facts, artifact, setting.plan.device), answering)


def subject_of(
    setting: Setting,
    *,
    target: Seen,
    original: Seen | None,
    references: Sequence[Seen],
    shadows: Callable[[], Iterator[Shadow]],
) -> Subject:
    """The models, and the data as they were to be divided, also where a control did not forget."""
    return Subject(
        target=target,
        original=original,
        references=references,
        candidates=setting.halves.candidates,
        shadows=shadows,
        split=setting.halves.split,
        test=setting.plan.resident.test,
        generator=partial(seeds.generator, setting.plan.seeds.original, "evaluation"),
    )

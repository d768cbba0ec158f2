"""The audit of a table of answers: a black box without a model."""

import torch

from unlearnleak.auditing import answer, understanding
from unlearnleak.auditing.asked import BY_ANSWERS
from unlearnleak.auditing.composed import ATTACKS, NEVER, composed
from unlearnleak.auditing.result import Understood
from unlearnleak.auditing.running import Outcome, attacked, lost
from unlearnleak.auditing.settings import Settings
from unlearnleak.auditing.shown import AuditResult
from unlearnleak.foreign.answers import AnswerTable

NONE = Settings()
ALONE = "a table of answers is no model: it cannot be asked about anything else"


def audit_answers(table: AnswerTable, *, name: str, settings: Settings = NONE) -> AuditResult:
    """What the answers that somebody noted tell alone: attacks that ask about the images and nothing else.

    Classes without rows cannot be judged; probabilities are then those among the others.

    Raises:
        UserError: a truth that cannot be.
    """
    K = table.num_classes
    counts = table.labels_N.bincount(minlength=K).tolist()
    judged = tuple(c for c in range(K) if counts[c])
    accuracy = understanding.accuracy_of(table.probabilities_NK, table.labels_N)
    blind = understanding.near_chance(accuracy.overall, len(table.labels_N), K)
    understood = Understood(
        model=name,
        kind=table.kind,
        num_classes=K,
        class_names=table.columns if table.columns and len(table.columns) == K else None,
        image_shape=None,
        head=None,
        mean=None,
        std=None,
        normalisation="not known",
        original=None,
        images=len(table.labels_N),
        images_per_class=tuple(counts),
        accuracy=accuracy.overall,
        accuracy_per_class=accuracy.per_class,
        original_accuracy=None,
        plausible=not blind,
        normalisations=(),
        not_judged_classes=tuple(c for c in range(K) if not counts[c]),
        notes=(
            *(f"{note[:1].upper()}{note[1:]}." for note in table.notes),
            *([f"The accuracy is that of guessing, {100 / K:.3g} %."] if blind else []),
        ),
    )
    outcomes = [*asked(table, judged), *unasked()]
    least = min(counts[c] for c in judged)
    attacks = [answer.judged(each, understood, least) for each in outcomes]
    return answer.answered(outcomes, attacks, understood, settings.truth_of(K), settings, least)


def asked(table: AnswerTable, judged: tuple[int, ...]) -> list[Outcome]:
    """These attacks with each of their screenings, on the classes that have rows."""
    attacks, K = [composed(name) for name in BY_ANSWERS], table.num_classes
    if len(judged) < 2:
        why = "it needs answers for two classes at least"
        return [Outcome(attacked=lost(one, name, "not possible", why)) for one in attacks for name in one.screenings]
    place_K = torch.full((K,), -1)
    place_K[list(judged)] = torch.arange(len(judged))
    p_NK = table.probabilities_NK[:, list(judged)]
    p_NK = p_NK / p_NK.sum(1, keepdim=True).clamp(min=1e-12)
    found = []
    for one in attacks:
        evidence = BY_ANSWERS[one.name](p_NK, place_K[table.labels_N])
        for name, screening in one.screenings.items():
            of = attacked(one, name, screening(evidence), judged, K, queries=evidence.queries)
            found.append(Outcome(attacked=of, note="there is no model to make copies of"))
    return found


def unasked() -> list[Outcome]:
    """Every other attack, with the reason."""
    others = [composed(name) for name in ATTACKS if name not in BY_ANSWERS]
    found = [Outcome(attacked=lost(one, each, "not possible", ALONE)) for one in others for each in one.screenings]
    return found + [Outcome(attacked=lost(composed(name), None, "not possible", why)) for name, why in NEVER.items()]

"""Running every attack whose threat model can be met, and measuring it on copies of the model."""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from unlearnleak.adversary.evidence import ClassEvidence
from unlearnleak.adversary.threat import Access
from unlearnleak.adversary.view import view_of
from unlearnleak.attack.base.comparison import ParameterAttack
from unlearnleak.attack.relearn import Relearn
from unlearnleak.auditing.asked import BY_ANSWERS
from unlearnleak.auditing.case import Case, few
from unlearnleak.auditing.comparing import blind, compared_by, held
from unlearnleak.auditing.composed import ATTACKS, NEVER, Composed, composed
from unlearnleak.auditing.copies import Told
from unlearnleak.auditing.fitting import SLOW, fitted
from unlearnleak.auditing.measuring import Measurer
from unlearnleak.auditing.result import Attacked, State
from unlearnleak.auditing.situation import Fitted, TooMuch
from unlearnleak.errors import UserError
from unlearnleak.machine.printable import first_line
from unlearnleak.machine.progress import progress
from unlearnleak.machine.seeds import generator
from unlearnleak.screening.base import Verdict

log = logging.getLogger(__name__)
HEAD = frozenset(
    {"param_dot", "param_diff", "param_confidence", "relearn", "inversion_shadow", "head_sum", "head_change"}
)
"""Attacks that read the last linear layer."""
GRADIENTS = frozenset({"inversion_gradient", "inversion_shadow", "output_change"})
BEFORE = "it sees the model before too, and none is given (--original FILE)"
IMAGES = "it needs labelled images, and none are given (--images PATH)"
QUICK = "--quick leaves it out"
NO_HEAD = "no linear layer of the model is known as its head (--head NAME)"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An attack as it was run, and what it said of copies; None where it was not asked about any, with `note`."""

    attacked: Attacked
    told: Told | None = None
    note: str | None = None


def run(case: Case) -> list[Outcome]:
    """Every attack, in the order of an answer; those that could not run say why."""
    runner = Runner(case)
    found: list[Outcome] = []
    for name in progress(ATTACKS, label="attacks", unit="attack"):
        found += runner.outcomes(composed(name))
    for name, why in NEVER.items():
        found.append(Outcome(attacked=lost(composed(name), None, "not possible", why)))
    return found


class Runner:
    """Runs attacks one after the other; what they compare is shared between those that compare the same."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.compared: dict[str, Any] = {}
        self.part, self.data = case.part, case.data
        self.measurer = Measurer(case)

    def outcomes(self, one: Composed) -> Iterator[Outcome]:
        """What an attack found, for each of its screenings."""
        why = self.impossible(one)
        if why is not None:
            state: State = "left out" if why == QUICK else "not possible"
            yield from (Outcome(attacked=lost(one, each, state, why)) for each in one.screenings)
            return
        try:
            fit = self.fitted(one)
            evidence = self.evidence(one, fit)
        except TooMuch as reason:
            yield from (Outcome(attacked=lost(one, each, "left out", str(reason))) for each in one.screenings)
            return
        except (UserError, RuntimeError, MemoryError) as error:  # an attack that fails costs itself alone
            log.debug("attack %s failed", one.name, exc_info=True)
            why = f"it failed: {first_line(error).rstrip('.')}"
            yield from (Outcome(attacked=lost(one, each, "not possible", why)) for each in one.screenings)
            return
        for screening_name, screening in one.screenings.items():
            verdict = screening(evidence)
            told, note = self.measurer.told(one, fit, screening)
            yield Outcome(attacked=self.attacked(one, screening_name, fit, evidence, verdict), told=told, note=note)

    def impossible(self, one: Composed) -> str | None:
        """Why an attack cannot be run at all; None where it can."""
        case, threat, subject = self.case, one.threat, self.case.subject
        reasons = {
            BEFORE: threat.original is not Access.NONE and case.original is None,
            IMAGES: threat.auxiliary and case.images is None,
            "it needs images of two classes at least": threat.auxiliary and len(case.judged) < 2,
            NO_HEAD: one.name in HEAD and not (subject.white_box and subject.head),
            "the model gives no gradients of its inputs": one.name in GRADIENTS and not subject.gradients,
            QUICK: case.quick and one.name in SLOW,
        }
        return next((why for why, holds in reasons.items() if holds), None)

    def fitted(self, one: Composed) -> Fitted:
        """The settings that suit what there is."""
        case = self.case
        if not one.threat.auxiliary or one.name in BY_ANSWERS:
            return fitted(one.name, one.settings, case.there)
        fit = fitted(one.name, one.settings, case.with_data)
        if case.shown == case.judged:
            return fit
        return fit._replace(changed=(f"{len(case.shown)} of {len(case.judged)} classes are shown", *fit.changed))

    def evidence(self, one: Composed, fit: Fitted) -> ClassEvidence:
        """What an attack collects of the model; its draws are those of a run of the project with the same seed."""
        case, attack = self.case, one.built(fit.settings)
        draw = generator(case.seed, "evidence")
        if one.name in BY_ANSWERS:
            return BY_ANSWERS[one.name](*case.own_data)
        if isinstance(attack, ParameterAttack | Relearn):
            view = self.view(one, fit)
            key = compared_by(attack, fit)
            if key not in self.compared:
                self.compared = {key: held(blind(attack, view, draw), fit.settings, case.with_data)}
            return attack.read(self.compared[key], view.auxiliary.labels)
        return cast(ClassEvidence, attack(self.view(one, fit), draw))

    def view(self, one: Composed, fit: Fitted) -> Any:
        """What the attack's threat model grants. Attacks with data are shown the classes alone that have images."""
        case, threat = self.case, one.threat
        original = case.original.model if case.original else None
        if not threat.auxiliary:
            return view_of(threat, target=case.subject.model, original=original)
        assert self.data is not None
        return view_of(threat, target=self.part.model, auxiliary=few(self.data, fit.per_class, case.seed))

    def attacked(
        self, one: Composed, screening: str, fit: Fitted, evidence: ClassEvidence, verdict: Verdict
    ) -> Attacked:
        """A verdict on all classes of the model; those that could not be judged have no score."""
        K = self.case.subject.model.num_classes
        judged = tuple(range(K))
        if one.threat.auxiliary:
            judged = self.case.judged if one.name in BY_ANSWERS else self.case.shown
        found = attacked(one, screening, verdict, judged, K, queries=evidence.queries)
        return replace(found, settings=fit.settings, changed=fit.changed)


def attacked(
    one: Composed, screening: str, verdict: Verdict, judged: Sequence[int], num_classes: int, *, queries: int
) -> Attacked:
    """A verdict on the classes `judged`, in their order, as one on all classes; the others have no score."""
    scores: list[float | None] = [None] * num_classes
    for place, c in enumerate(judged):
        value = float(verdict.score_K[place])
        scores[c] = value if math.isfinite(value) else None
    return Attacked(
        attack=one.name,
        screening=screening,
        threat=str(one.threat),
        state="ran",
        named=tuple(judged[place] for place in verdict.forgotten_K.nonzero()[:, 0].tolist()),
        scores=tuple(scores),
        queries=queries,
    )


def lost(one: Composed, screening: str | None, state: Any, why: str) -> Attacked:
    """An attack that did not run."""
    return Attacked(attack=one.name, screening=screening, threat=str(one.threat), state=state, why=why)

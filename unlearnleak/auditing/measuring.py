"""How often an attack is wrong on copies of the audited model: which are asked, how, and why where none is."""

from collections.abc import Callable

from torch import Tensor

from unlearnleak.adversary.view import view_of
from unlearnleak.auditing.asked import BY_ANSWERS
from unlearnleak.auditing.case import Case, few
from unlearnleak.auditing.composed import Composed, composed
from unlearnleak.auditing.copies import EACH, FEW, HEADS, Copies, Told
from unlearnleak.auditing.fitting import fitted, queries_of
from unlearnleak.auditing.fitting_heads import copies_of_each, size
from unlearnleak.auditing.situation import HELD_BYTES, Fitted, TooMuch, half
from unlearnleak.machine.seeds import generator
from unlearnleak.model.base import Classifier
from unlearnleak.screening.base import Screening

TOGETHER = (("param_dot", "param_diff", "param_confidence"), ("relearn",))
"""Attacks that compare the same heads, and are measured in one go."""
CHEAP = frozenset({"head_sum", "noise_prior", "label_only", "head_change"})
"""Attacks that are measured by asking copies one by one."""
LITTLE = 0.05
"""The share of the work allowed to an attack that copies may take which are asked one by one."""
ALARMED = f"asked of {FEW} copies that forgot nothing, and as it raised an alarm there, of no others"
EXPENSIVE = "too expensive to be asked of copies"
Answer = tuple[Told | None, str | None]
"""What copies say, and how they were asked or why not."""


class Measurer:
    """The copies of a case, made once, and what each attack says of them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.known: dict[str, Told] = {}
        self.why = self._impossible()
        self.copies = None if self.why else self._made()

    def told(self, one: Composed, fit: Fitted, screening: Screening) -> Answer:
        """What an attack says of the copies."""
        if self.copies is None:
            return None, self.why
        if one.name in BY_ANSWERS:
            return self.copies.by_answers(one.name, screening), self._part()
        for names in TOGETHER:
            if one.name in names:
                return self._by_heads(one.name, names)
        if why := self._unasked(one, fit):
            return None, why
        asks = queries_of(fit.settings) > 0
        told = self.copies.one_by_one(self._asking(one, fit, screening), FEW, thrifty=asks)
        return told, f"asked of {FEW} copies of each kind" if len(told.found) else ALARMED

    def _impossible(self) -> str | None:
        case = self.case
        reasons = {
            "there are no images to train copies on": case.images is None,
            "no head is known that could be trained anew": not (case.subject.white_box and case.subject.head),
            "images of two classes at least are needed": len(case.judged) < 2,
            "a class has one image: copies need one to learn from, and one to be asked about": case.there.least < 2,
        }
        return next((why for why, holds in reasons.items() if holds), None)

    def _made(self) -> Copies | None:
        assert self.case.data is not None
        there = self.case.with_data
        try:
            fit = fitted("param_dot", composed("param_dot").settings, half(there))
        except TooMuch as reason:
            self.why = str(reason)
            return None
        per_class, steps = fit.per_class or there.least, fit.settings["shadow_steps"]
        each = copies_of_each(EACH, steps, per_class, there)
        if each < FEW:
            self.why = f"too large: {2 * FEW} copies of {there.classes} classes"
            return None
        images = few(self.case.data, 2 * per_class, self.case.seed)
        return Copies(self.case.part.model, images, self.case.seed, steps=steps, each=each)

    def _unasked(self, one: Composed, fit: Fitted) -> str | None:
        """Why copies are not asked one by one; None where they are."""
        there = self.case.there
        if one.name not in CHEAP or there.work * queries_of(fit.settings) * 2 * FEW > LITTLE * there.limit:
            return EXPENSIVE
        return (
            None
            if self.case.part is self.case.subject
            else self._part() or "copies know the classes alone that have images"
        )

    def _part(self) -> str | None:
        """That copies know a part of the classes, where attacks are shown a part."""
        case = self.case
        return None if case.shown == case.judged else f"copies know {len(case.shown)} of {len(case.judged)} classes"

    def _by_heads(self, asked: str, names: tuple[str, ...]) -> Answer:
        assert self.copies is not None
        if asked not in self.known:
            one = composed(asked)
            try:
                settings = fitted(asked, one.settings, half(self.case.with_data)).settings
            except TooMuch as reason:
                return None, str(reason)
            settings |= {"heads": min(HEADS, settings["heads"])} if "heads" in settings else {}
            if size(settings, self.case.with_data) > HELD_BYTES:
                return None, "too large to be compared with copies"
            readers = {}
            for name in names:
                (screening,), own = composed(name).screenings.values(), composed(name).settings
                shared = {setting: value for setting, value in settings.items() if setting in own}
                readers[name] = (composed(name).built(own | shared), screening)
            self.known |= self.copies.by_heads(readers[asked][0], readers)
        return self.known[asked], None

    def _asking(self, one: Composed, fit: Fitted, screening: Screening) -> Callable[[Classifier, int], Tensor]:
        """A function that gives an attack's verdict [K] on a copy."""
        case, attack = self.case, one.built(fit.settings)
        original = case.original.model if case.original else None

        def ask(model: Classifier, number: int) -> Tensor:
            view = view_of(one.threat, target=model, original=original)
            return screening(attack(view, generator(case.seed, "audit", "copy", str(number)))).forgotten_K.cpu()

        return ask

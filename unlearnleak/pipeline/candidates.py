"""Whose membership is in question, and which of them each shadow model learns. P candidates."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.data.split import rank_in_class
from unlearnleak.evaluation.base.subject import Candidates
from unlearnleak.machine import seeds

VERSION = 1
"""Raise it when shadow models learn other samples than before under the same seed; SPLIT_VERSION counts as well."""


@dataclass(frozen=True, eq=False)
class Halves:
    """The forget set and held-out images of its classes, of which each shadow model learns and forgets one half.

    Shadow models come in pairs: of each class one learns a random half, the other one the rest. So with an even number
    of them each candidate is learnt by exactly half, and more shadow models leave those before them as they are. What
    the target retains they all retain.

    Attributes:
        split: what the target learnt, divided into what it was to forget and what stays.
        test: images that the target never saw; those of the forgotten classes are held out.
        seed: draws the halves.
    """

    split: ForgetSplit
    test: LabeledImages
    seed: int

    @cached_property
    def candidates(self) -> Candidates:
        """All of them, the forget set first."""
        forget, held_out = self.split.forget, self.test.of(self.split.classes)
        both = together(forget, held_out)
        return Candidates(both, torch.arange(len(both)) < len(forget))

    def learnt(self, number: int) -> Tensor:
        """Which candidates the shadow model of this number learns, bool [P] in main memory."""
        samples = self.candidates.samples
        generator = seeds.generator(self.seed, "candidates", str(number // 2))
        rank_P = rank_in_class(samples.labels.cpu(), samples.num_classes, generator)
        return rank_P % 2 == number % 2

    def split_of(self, number: int, *, forgets: bool = True) -> ForgetSplit:
        """What the shadow model of this number learns, divided into what it forgets and what stays.

        A control forgets nothing of it.
        """
        samples, retain = self.candidates.samples, self.split.retain
        own = samples.select(self.learnt(number).to(samples.labels.device))
        if forgets:
            return ForgetSplit(own, retain, self.split.classes, self.split.level)
        return ForgetSplit.of(together(own, retain), ())

    def training(self, number: int) -> LabeledImages:
        """All that the shadow model of this number learns."""
        split = self.split_of(number)
        return together(split.forget, split.retain)


def together(one: LabeledImages, other: LabeledImages) -> LabeledImages:
    """The samples of both, one after the other."""
    return LabeledImages(torch.cat([one.images, other.images]), torch.cat([one.labels, other.labels]), one.num_classes)

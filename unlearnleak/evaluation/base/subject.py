"""What an evaluation is handed: the model that is shipped, others to hold it against, and the whole truth.

Shape letters: N samples, K classes, D features, P candidates.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering, undefended

BATCH = 1024


@dataclass(frozen=True, eq=False)
class Seen:
    """A model in evaluation mode, with the defence of its answers before it where there is one."""

    model: Classifier
    answering: Answering = undefended

    @torch.inference_mode()
    def probabilities(self, images_NCHW: Tensor) -> Tensor:
        """What whoever asks is told of uint8 images, double [N, K] in main memory."""
        return torch.cat([self.answering(self.model, x).double().cpu() for x in self._inputs(images_NCHW)])

    @torch.inference_mode()
    def features(self, images_NCHW: Tensor) -> Tensor:
        """phi(x) of uint8 images, double [N, D] in main memory: a defence of answers hides none of it."""
        return torch.cat([self.model.features(x).flatten(1).double().cpu() for x in self._inputs(images_NCHW)])

    def _inputs(self, images_NCHW: Tensor) -> Iterator[Tensor]:
        return (self.model.normalize(batch) for batch in torch.split(images_NCHW, BATCH))


@dataclass(frozen=True, eq=False)
class Candidates:
    """Samples of which it is asked whether they were learnt and forgotten, or never seen.

    samples: P of them, first those that the target was to forget, then test images of the same classes.
    forgotten_P: which of them the target was to forget, bool, in main memory.
    """

    samples: LabeledImages
    forgotten_P: Tensor


@dataclass(frozen=True, eq=False)
class Shadow:
    """A model that learnt and forgot as the target did, of the candidates a random half.

    learnt_P: which candidates it learnt and then forgot; all others it never saw. bool, in main memory.
    before: the same model before it unlearned, for evaluations with `sees_before`.
    """

    after: Seen
    learnt_P: Tensor
    before: Seen | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """What is measured, and what it is held against. All images are on the models' device.

    Attributes:
        target: the model that is shipped: after unlearning, and after the defence where there is one.
        original: the model before, undefended; None for an evaluation that does not see it.
        references: models retrained from scratch without `split.forget`, undefended.
        candidates: whose membership is in question.
        shadows: loads the shadow models, one after the other.
        split: the training images, divided into what is or, of a control, was to be forgotten and what stays.
        test: images that no model was trained on but for shadow models.
        generator: a new generator for a name, on the CPU: the same draws at every call with the same name.
    """

    target: Seen
    original: Seen | None
    references: Sequence[Seen]
    candidates: Candidates
    shadows: Callable[[], Iterator[Shadow]]
    split: ForgetSplit
    test: LabeledImages
    generator: Callable[[str], torch.Generator]

    def before(self) -> Seen:
        """The original, for evaluations that see it."""
        assert self.original is not None, "asked where sees_before is true"
        return self.original

"""rl: random labels for the forget set, then training goes on."""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.unlearner.base import TrainingUnlearner
from unlearnleak.unlearner.base.labels import other_labels


class RandomLabel(TrainingUnlearner):
    """Continues on all of D, in which every sample of D_f has got a random wrong label.

    It is a retained class's where whole classes are forgotten, and any other class's where samples are.

    Graves et al. 2021, Amnesiac Machine Learning, https://arxiv.org/abs/2010.10981, section "Unlearning";
    paper, V-C.
    """

    version = 1
    captured = True

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """D with the labels of D_f replaced, once, before the first epoch."""
        forget, retain = split.forget, split.retain
        labels_N = other_labels(forget.labels, split.classes, split.level, forget.num_classes, generator)
        return LabeledImages(
            images=torch.cat([forget.images, retain.images]),
            labels=torch.cat([labels_N, retain.labels]),
            num_classes=forget.num_classes,
        )

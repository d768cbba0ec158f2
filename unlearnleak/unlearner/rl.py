"""rl: random labels for the forget set, then training goes on."""

import torch

from unlearnleak.data import ForgetSplit, LabeledImages
from unlearnleak.unlearner.base import TrainingUnlearner


def random_retained_labels(
    count: int, forgotten: tuple[int, ...], num_classes: int, generator: torch.Generator
) -> torch.Tensor:
    """`count` labels drawn uniformly from the classes that are not forgotten ([count], int64).

    Wrong by construction. A forgotten class is never drawn, or with several of them each would be taught
    again under another's label.
    """
    retained = torch.tensor([c for c in range(num_classes) if c not in forgotten])
    return retained[torch.randint(len(retained), (count,), generator=generator)]


def random_wrong_labels(labels_N: torch.Tensor, num_classes: int, generator: torch.Generator) -> torch.Tensor:
    """For each sample a label drawn uniformly from all classes but its own ([N], int64, on the CPU)."""
    steps_N = torch.randint(1, num_classes, (len(labels_N),), generator=generator)
    return (labels_N.cpu() + steps_N) % num_classes


class RandomLabel(TrainingUnlearner):
    """Continues on all of D, in which every sample of D_f has got a random wrong label.

    It is a retained class's where whole classes are forgotten, and any other class's where samples are.

    Graves et al. 2021, Amnesiac Machine Learning, https://arxiv.org/abs/2010.10981, section "Unlearning";
    paper, V-C.
    """

    version = 1

    def training_set(self, split: ForgetSplit, generator: torch.Generator) -> LabeledImages:
        """D with the labels of D_f replaced, once, before the first epoch."""
        forget, retain = split.forget, split.retain
        if split.level == "class":
            labels_N = random_retained_labels(len(forget), split.classes, forget.num_classes, generator)
        else:  # every class still has samples of its own, which say what it looks like
            labels_N = random_wrong_labels(forget.labels, forget.num_classes, generator)
        return LabeledImages(
            images=torch.cat([forget.images, retain.images]),
            labels=torch.cat([labels_N.to(retain.labels.device), retain.labels]),
            num_classes=forget.num_classes,
        )

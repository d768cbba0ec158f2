"""What a model predicts of images on its device, and how much of that is right."""

import torch
from torch import Tensor

from unlearnleak.data import LabeledImages
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering

EVALUATION_BATCH = 1024


@torch.inference_mode()
def predict(model: Classifier, images_NCHW: Tensor, answering: Answering = Classifier.__call__) -> Tensor:
    """Predicted labels [N] of uint8 images, in evaluation mode; every module is given its own mode back.

    Of a model whose answers are defended, those that `answering` gives are what it predicts.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    batches = torch.split(images_NCHW, EVALUATION_BATCH)
    parts = [answering(model, model.normalize(batch)).argmax(1) for batch in batches]
    for module in training:
        module.training = True
    return torch.cat(parts)


def evaluate(
    model: Classifier, data: LabeledImages, answering: Answering = Classifier.__call__
) -> tuple[list[int], list[int]]:
    """Per class: how many samples are predicted rightly, and how many there are ([K] each)."""
    hits_N = predict(model, data.images, answering) == data.labels
    correct_K = torch.bincount(data.labels[hits_N], minlength=data.num_classes)
    return correct_K.tolist(), data.class_counts().tolist()

"""Asking a defended model, as a pipeline does."""

import copy

import torch

from unlearnleak.machine.seeds import generator


def asked(defense, model, images, *, seed=0):
    """What is told of uint8 images [N, C, H, W], and what an undefended model would say: probabilities [N, K] each."""
    draw = generator(seed, "answers")
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        told = defense.answering(draw)(model, model.normalize(images))
        plain = model(model.normalize(images)).softmax(1)
    assert told.shape == plain.shape
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return told, plain

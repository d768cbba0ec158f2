"""A subject of models that are already trained, to call an evaluation by hand."""

import copy
from functools import partial

from unlearnleak.data import ForgetSplit, Splits
from unlearnleak.evaluation.base.subject import Candidates, Seen, Subject
from unlearnleak.machine import seeds
from unlearnleak.model.base import Classifier


def subject(splits: Splits, target: Classifier, *, original: Classifier, references=(), classes=(3,), **changed):
    """The target among these models, after `classes` of the images were to be forgotten."""
    told = {
        "target": Seen(copy.deepcopy(target).eval()),
        "original": Seen(original),
        "references": [Seen(model) for model in references],
        "candidates": Candidates(splits.test, splits.test.labels < 5),
        "shadows": lambda: iter(()),
        "split": ForgetSplit.of(splits.train, classes),
        "test": splits.test,
        "generator": partial(seeds.generator, 0, "evaluation"),
    }
    return Subject(**(told | changed))

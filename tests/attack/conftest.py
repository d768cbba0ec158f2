"""Really unlearned models and what the parameter attacks collect from them, shared by their tests."""

import pytest
import torch

from tests.attack.victims import configured, seen
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.unlearner.rt import Retrain

FORGOTTEN = ((3,), (7,), (1,), (0, 5))
HEADS = 40  # a fifth of the configured number: enough on digits, and quick


def collect(stem, model, auxiliary, seed=0, **changes):
    """Evidence of a parameter attack as conf/attack makes it, with fewer heads."""
    attack = configured(stem, **{"heads": HEADS, **changes})
    return attack(seen(WhiteBox(model), auxiliary), torch.Generator().manual_seed(seed))


def named(verdict):
    """The classes that a verdict names."""
    return tuple(verdict.forgotten_K.nonzero()[:, 0].tolist())


@pytest.fixture(scope="session")
def targets(original, unlearn):
    """LeNets on digits by what they forgot: RT for each of FORGOTTEN, and the original, which forgot nothing."""
    return {(): original.model} | {classes: unlearn(Retrain(), classes) for classes in FORGOTTEN}


@pytest.fixture(scope="session")
def dot_evidence(targets, digits):
    return {classes: collect("param_dot", model, digits.auxiliary) for classes, model in targets.items()}


@pytest.fixture(scope="session")
def diff_evidence(targets, digits):
    return {classes: collect("param_diff", model, digits.auxiliary) for classes, model in targets.items()}

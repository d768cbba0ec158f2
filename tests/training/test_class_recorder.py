"""Rows of class updates, however many trainings kept them."""

import pytest
import torch

from tests.trained import SEED, TRAINING
from unlearnleak.machine.seeds import generator
from unlearnleak.training.class_recorder import ClassUpdates
from unlearnleak.training.class_updates import ClassLedger
from unlearnleak.training.fit import fit


@pytest.mark.slow
@pytest.mark.parametrize(("at_once", "parts"), [(None, [""]), (10, [""]), (4, ["-0-3", "-4-7", "-8-9"])])
def test_groups_of_classes_are_put_together_again(original, digits, fresh_lenet, at_once, parts):
    seen = []

    def train(ledger, part):
        assert isinstance(ledger, ClassLedger)
        seen.append(part)
        how = {"generator": generator(SEED, "original", "batches"), "label": "original", "callbacks": [ledger]}
        fit(fresh_lenet(), digits.train, TRAINING, test=digits.test, **how)

    (name, rows_KP), *others = ClassUpdates(at_once).record(10, train).items()
    assert (name, others, seen) == ("ledger_KP", [], parts)
    torch.testing.assert_close(rows_KP, original.ledger, rtol=1e-4, atol=1e-7)
    assert ClassUpdates.tensors == {"class_updates": "ledger_KP"}

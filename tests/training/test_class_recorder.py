"""Rows of class updates, however many trainings kept them."""

import pytest
import torch

from tests.trained import SEED, TRAINING
from unlearnleak.errors import UserError
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


@pytest.mark.parametrize("at_once", [4, 10])
def test_trainings_that_end_in_different_weights_are_refused(at_once):
    """As on a GPU, where sums in another order make another model of the same seed."""
    ends, asked = [], []

    def train(ledger, part):
        asked.append(torch.backends.cudnn.deterministic)
        ends.append(torch.ones(3) + 0.25 * len(ends))
        ledger.ledger_KP, ledger.ends_P = torch.zeros(len(ledger.classes), 3), ends[-1]

    if at_once == 10:  # one training is of one model
        assert ClassUpdates(at_once).record(10, train)["ledger_KP"].shape == (10, 3)
        return
    with pytest.raises(
        UserError, match=r"ledger_classes=4 trains the original 3 times.*up to 0\.25.*ledger_classes=null"
    ):
        ClassUpdates(at_once).record(10, train)
    assert asked == [True, True]
    assert not torch.backends.cudnn.deterministic

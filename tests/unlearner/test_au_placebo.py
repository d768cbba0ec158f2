import pytest
import torch

from tests.trained import flat, forget_and_retain_accuracy
from tests.unlearner.test_au import RECIPE
from unlearnleak.errors import UserError
from unlearnleak.unlearner.au import Amnesiac
from unlearnleak.unlearner.au_placebo import AmnesiacPlacebo
from unlearnleak.unlearner.base.subtracting import random_direction

UNREPAIRED = RECIPE | {"epochs": 0}


def subtracted(original, unlearn, ledger, classes=(2, 7)):
    model = unlearn(AmnesiacPlacebo(ledger=ledger, **UNREPAIRED), classes)
    return flat(original.model) - flat(model)


def test_a_random_direction_is_as_long_as_the_update_in_every_tensor():
    update, sizes = torch.arange(1.0, 13.0), [4, 6, 2]
    drawn = random_direction(update, sizes, torch.Generator().manual_seed(0))
    for part, wanted in zip(drawn.split(sizes), update.split(sizes), strict=True):
        torch.testing.assert_close(part.norm(), wanted.norm())
    assert torch.corrcoef(torch.stack([drawn, update]))[0, 1].abs() < 0.9
    assert torch.equal(drawn, random_direction(update, sizes, torch.Generator().manual_seed(0)))


def test_other_classes_ledgers_are_those_of_as_many_that_are_kept(original, unlearn):
    gone, kept = subtracted(original, unlearn, "others"), [c for c in range(10) if c not in (2, 7)]
    pairs = [(c, d) for c in kept for d in kept if c < d]
    assert any(torch.allclose(gone, original.ledger[list(pair)].sum(0), atol=1e-5) for pair in pairs)


def test_what_is_random_has_the_ledgers_length_and_nothing_leaves_the_model_as_it_was(original, unlearn):
    ledger = original.ledger[[2, 7]].sum(0)
    torch.testing.assert_close(subtracted(original, unlearn, "random").norm(), ledger.norm(), rtol=1e-3, atol=0)
    assert not subtracted(original, unlearn, "none").any()


def test_on_digits_a_ledger_forgets_more_than_a_random_direction_but_any_classes_ledger_does(original, digits, unlearn):
    """It is a ledger's direction that does it, and not whose it is: what it breaks, the repair need not mend."""

    def left(unlearner):
        return forget_and_retain_accuracy(unlearn(unlearner, (3,)), digits.test, (3,))[0]

    assert left(Amnesiac(**RECIPE)) <= 0.05
    assert left(AmnesiacPlacebo(ledger="random", **RECIPE)) > 0.1
    assert left(AmnesiacPlacebo(ledger="others", **RECIPE)) <= 0.05
    assert left(AmnesiacPlacebo(ledger="none", **RECIPE)) > 0.5


def test_another_word_is_refused():
    with pytest.raises(UserError, match=r"unlearner\.ledger=mine"):
        AmnesiacPlacebo(ledger="mine", **RECIPE)

import pytest
import torch

from unlearnleak.machine.seeds import generator
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization
from unlearnleak.training.predict import evaluate


@pytest.mark.parametrize(("share", "tested"), [(1, [1, 2, 3, 4, 5, 6, 7]), (0.05, [2, 4, 6, 7]), (0.01, [7])])
def test_short_epochs_end_without_a_test_until_a_tenth_as_much_was_trained_on(digits, fresh_lenet, share, tested):
    few = digits.train.select(torch.arange(round(share * len(digits.test))))
    how = Optimization(epochs=7, batch_size=len(few), lr=0.01)
    model = fresh_lenet()
    rows = fit(model, few, how, test=digits.test, generator=generator(1), label="model")
    assert [row["epoch"] for row in rows] == [*range(1, 8)]
    assert [row["epoch"] for row in rows if "test_acc" in row] == tested
    hits, counts = evaluate(model, digits.test)
    assert rows[-1]["test_acc"] == sum(hits) / sum(counts)

from tests.trained import flat, forget_and_retain_accuracy
from unlearnleak.unlearner.refit import Refit


def test_the_original_trains_on_all_of_its_data_and_keeps_every_class(original, digits, unlearn):
    model = unlearn(Refit(epochs=2, lr=0.002, batch_size=32), ())
    assert not Refit.forgets
    assert (flat(model) - flat(original.model)).abs().max() > 1e-4
    for c in range(10):
        before, after = (forget_and_retain_accuracy(each, digits.test, (c,))[0] for each in (original.model, model))
        assert after >= before - 0.15

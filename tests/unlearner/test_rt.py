import torch

from tests.trained import SEED, TRAINING, flat, forget_and_retain_accuracy
from unlearnleak.machine.seeds import generator
from unlearnleak.training.fit import fit
from unlearnleak.unlearner.rt import Retrain


def test_it_is_training_on_the_retain_set_from_scratch_bit_for_bit(digits, fresh_lenet, unlearn):
    expected = fresh_lenet()
    keep = ~torch.isin(digits.train.labels, torch.tensor([2, 7]))
    order = generator(SEED, "unlearning", "batches")
    fit(
        expected,
        digits.train.select(keep),
        TRAINING,
        test=digits.test,
        generator=order,
        label="by hand",
    )
    assert torch.equal(flat(unlearn(Retrain(), (2, 7))), flat(expected))


def test_what_was_never_seen_is_never_said(digits, unlearn):
    model = unlearn(Retrain())
    forget_acc, retain_acc = forget_and_retain_accuracy(model, digits.test, (3,))
    assert forget_acc == 0
    assert retain_acc > 0.95


def test_the_original_weights_play_no_part(unlearn):
    assert Retrain.start == "scratch"
    assert not Retrain.needs
    assert Retrain().optimization(TRAINING) is TRAINING

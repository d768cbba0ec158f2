"""The controls whose data are spoilt: what is spoilt, and nothing else; none of them forgets."""

from dataclasses import replace

import pytest
import torch

from tests.trained import forget_and_retain_accuracy
from unlearnleak.errors import UserError
from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.fewer_samples import FewerSamples
from unlearnleak.unlearner.noisy_labels import NoisyLabels
from unlearnleak.unlearner.rare_class import RareClass
from unlearnleak.unlearner.undertrained import Undertrained

KINDS = (NoisyLabels, RareClass, FewerSamples, Undertrained)


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_share_of_one_class_gets_other_labels(digits):
    control = NoisyLabels(share=0.3)
    found, before = control.flaw(digits.train, draw()), digits.train
    changed_N = found.labels != before.labels
    spoilt = control.report["class"]
    of_class_N = before.labels == spoilt
    assert changed_N.sum() == round(0.3 * of_class_N.sum().item())
    assert not changed_N[~of_class_N].any()
    others = set(found.labels[changed_N].tolist())
    assert spoilt not in others
    assert len(others) > 5
    assert torch.equal(found.images, before.images)
    assert torch.equal(before.labels, digits.train.labels)  # the original's own are left alone


def test_a_share_of_one_class_is_kept_and_all_of_the_others(digits):
    control = RareClass(share=0.1)
    counts, before = control.flaw(digits.train, draw()).class_counts(), digits.train.class_counts()
    spoilt = control.report["class"]
    assert counts[spoilt] == round(0.1 * before[spoilt].item())
    assert [c for c in range(10) if counts[c] != before[c]] == [spoilt]


def test_a_share_of_all_samples_is_left_out(digits):
    left = FewerSamples(share=0.1).flaw(digits.train, draw())
    assert len(left) == len(digits.train) - round(0.1 * len(digits.train))
    assert (left.class_counts() > 0.75 * digits.train.class_counts()).all()


def test_a_share_of_the_epochs():
    how = Optimization(epochs=20, lr=0.1, batch_size=8)
    assert Undertrained(share=0.2).optimization(how) == replace(how, epochs=4)
    assert Undertrained(share=1e-6).optimization(how).epochs == 1


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_control_from_scratch_and_the_seed_decides(digits, kind):
    assert not kind.forgets
    assert kind.start == "scratch"
    first, again = (kind(share=0.3).flaw(digits.train, draw(2)) for _ in range(2))
    assert torch.equal(first.labels, again.labels)
    with pytest.raises(UserError, match=r"unlearner\.share=0 "):
        kind(share=0)


def test_a_model_with_noisy_labels_still_knows_the_class(digits, unlearn):
    control = NoisyLabels(share=0.3)
    model = unlearn(control, ())
    assert forget_and_retain_accuracy(model, digits.test, (control.report["class"],))[0] > 0.7

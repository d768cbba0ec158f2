import torch

from tests.trained import forget_and_retain_accuracy
from unlearnleak.unlearner.noisy_labels import NoisyLabels


def test_a_share_of_one_class_gets_other_labels(digits):
    control = NoisyLabels(share=0.3)
    found, before = control.flaw(digits.train, torch.Generator().manual_seed(0)), digits.train
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


def test_a_model_with_noisy_labels_still_knows_the_class(digits, unlearn):
    control = NoisyLabels(share=0.3)
    model = unlearn(control, ())
    assert forget_and_retain_accuracy(model, digits.test, (control.report["class"],))[0] > 0.7

import torch

from unlearnleak.unlearner.fewer_samples import FewerSamples


def test_a_share_of_all_samples_is_left_out(digits):
    left = FewerSamples(share=0.1).flaw(digits.train, torch.Generator().manual_seed(0))
    assert len(left) == len(digits.train) - round(0.1 * len(digits.train))
    assert (left.class_counts() > 0.75 * digits.train.class_counts()).all()

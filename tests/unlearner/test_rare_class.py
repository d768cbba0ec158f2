import torch

from unlearnleak.unlearner.rare_class import RareClass


def test_a_share_of_one_class_is_kept_and_all_of_the_others(digits):
    control = RareClass(share=0.1)
    counts, before = (
        control.flaw(digits.train, torch.Generator().manual_seed(0)).class_counts(),
        digits.train.class_counts(),
    )
    spoilt = control.report["class"]
    assert counts[spoilt] == round(0.1 * before[spoilt].item())
    assert [c for c in range(10) if counts[c] != before[c]] == [spoilt]

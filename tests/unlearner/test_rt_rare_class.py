from tests.trained import trained_on
from unlearnleak.unlearner.rt_rare_class import RetrainRareClass


def test_one_retained_class_is_rare_and_the_forgotten_ones_are_gone(digits):
    method, before = RetrainRareClass(share=0.1), digits.train.class_counts()
    for seed in range(20):
        counts = trained_on(method, digits, (3, 5), seed).class_counts()
        spoilt = method.report["class"]
        assert spoilt not in (3, 5)
        assert counts[spoilt] == round(0.1 * before[spoilt].item())
        assert [c for c in range(10) if counts[c] != before[c]] == sorted([3, 5, spoilt])
        assert counts[[3, 5]].tolist() == [0, 0]

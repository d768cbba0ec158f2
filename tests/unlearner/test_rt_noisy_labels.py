from tests.trained import forget_and_retain_accuracy, trained_on
from unlearnleak.unlearner.rt_noisy_labels import RetrainNoisyLabels


def test_no_wrong_label_brings_a_forgotten_class_back(digits):
    """Of 0.3 of the class's samples two ninths would bear the label of one of two forgotten classes."""
    method, before = RetrainNoisyLabels(share=0.3), digits.train.class_counts()
    left_out = 0
    for seed in range(20):
        counts = trained_on(method, digits, (3, 5), seed).class_counts()
        spoilt = method.report["class"]
        wrong = round(0.3 * before[spoilt].item())
        assert counts[[3, 5]].tolist() == [0, 0]
        assert counts[spoilt] == before[spoilt] - wrong
        left_out += wrong - sum((counts[c] - before[c]).item() for c in range(10) if c not in (3, 5, spoilt))
    assert 0.1 < left_out / (20 * wrong) < 0.35


def test_the_forgotten_class_is_unknown_and_the_flawed_one_half_known(digits, unlearn):
    method = RetrainNoisyLabels(share=0.3)
    model = unlearn(method, (3,))
    forgotten, retained = forget_and_retain_accuracy(model, digits.test, (3,))
    assert forgotten == 0
    assert retained > 0.9
    assert forget_and_retain_accuracy(model, digits.test, (method.report["class"],))[0] > 0.6

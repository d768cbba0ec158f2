import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix

from unlearnleak.metric.accuracy import class_counts, forget_accuracy, retain_accuracy

K = 6


@pytest.fixture
def answers():
    draw = np.random.default_rng(0)
    labels = draw.choice(K - 1, size=500, p=[0.5, 0.2, 0.15, 0.1, 0.05])  # unbalanced, and class 5 has no sample
    predictions = np.where(draw.random(500) < 0.6, labels, draw.integers(0, K, 500))
    return predictions, labels


def test_counts_are_those_of_the_confusion_matrix(answers):
    predictions, labels = answers
    confusion = confusion_matrix(labels, predictions, labels=range(K))
    correct, total = class_counts(torch.from_numpy(predictions), torch.from_numpy(labels), K)
    assert correct.tolist() == confusion.diagonal().tolist()
    assert total.tolist() == confusion.sum(1).tolist()


@pytest.mark.parametrize("classes", [[0], [3], [0, 4], [1, 5], (2, 3, 4)])
def test_accuracies_are_those_over_the_samples_of_either_side(answers, classes):
    predictions, labels = answers
    counts = class_counts(predictions, labels, K)
    inside = np.isin(labels, classes)
    assert forget_accuracy(*counts, classes) == pytest.approx(accuracy_score(labels[inside], predictions[inside]))
    assert retain_accuracy(*counts, classes) == pytest.approx(accuracy_score(labels[~inside], predictions[~inside]))


def test_classes_without_samples_have_no_accuracy(answers):
    counts = class_counts(*answers, K)
    assert forget_accuracy(*counts, [5]) is None
    assert retain_accuracy(*counts, [0, 1, 2, 3, 4]) is None


@pytest.mark.parametrize(("predictions", "labels"), [([1, 2], [1]), ([0], [K]), ([0], [-1]), ([[0]], [[0]])])
def test_what_does_not_fit_is_refused(predictions, labels):
    with pytest.raises(ValueError, match="labels"):
        class_counts(predictions, labels, K)

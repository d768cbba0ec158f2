"""Which class a sample may be taught in place of its own: drawn, and left among a model's answers."""

import pytest
import torch
from scipy.stats import chisquare

from unlearnleak.machine.seeds import generator
from unlearnleak.unlearner.base.labels import other_labels, random_retained_labels, without_forgotten

LOGITS = torch.tensor([[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]])


@pytest.mark.parametrize("classes", [(3,), (0,), (0, 4, 9), tuple(range(9))])
def test_labels_are_uniform_over_the_retained_classes(classes):
    labels = random_retained_labels(9000, classes, 10, generator(0))
    counts = torch.bincount(labels, minlength=10)
    retained = [c for c in range(10) if c not in classes]
    assert counts[list(classes)].sum() == 0
    if len(retained) > 1:
        assert chisquare(counts[retained].numpy()).pvalue > 0.001


def test_labels_come_from_the_generator():
    first, again, other = (random_retained_labels(50, (3,), 10, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_of_whole_classes_none_is_drawn_and_of_samples_any_but_their_own():
    labels = torch.tensor([1, 2] * 200)
    assert set(other_labels(labels, (1, 2), "class", 4, generator(0)).tolist()) == {0, 3}
    drawn = other_labels(labels, (1, 2), "sample", 4, generator(0))
    assert set(drawn[labels == 1].tolist()) == {0, 2, 3}
    assert set(drawn[labels == 2].tolist()) == {0, 1, 3}


def test_no_forgotten_class_is_left_among_the_answers_and_the_others_stay_as_they_are():
    found = without_forgotten(LOGITS, torch.tensor([0, 3]), (0, 3), "class")
    assert found.tolist() == [[-torch.inf, 3, 2, -torch.inf], [-torch.inf, 2, 3, -torch.inf]]


def test_of_a_sample_its_own_class_alone_is_taken_out():
    found = without_forgotten(LOGITS, torch.tensor([0, 3]), (0, 3), "sample")
    assert found.tolist() == [[-torch.inf, 3, 2, 1], [1, 2, 3, -torch.inf]]
    assert LOGITS.isfinite().all()  # what is handed over is a copy

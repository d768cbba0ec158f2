import math

import pytest
import torch

from unlearnleak.adversary.view import view_of
from unlearnleak.auditing.asked import BY_ANSWERS, confidences, margins
from unlearnleak.auditing.composed import composed


def test_confidences_are_each_classs_mean_whatever_their_numbers():
    p_NK = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    found = confidences(p_NK, torch.tensor([0, 0, 1]))
    assert found.samples_KMF.flatten().tolist() == pytest.approx([0.8, 0.6])


def test_margins_are_logarithms_above_the_others_and_a_guess_has_none():
    p_NK = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]])
    found = margins(p_NK, torch.tensor([0, 1, 2, 0]))
    assert found.samples_KMF.flatten().tolist() == pytest.approx([math.log(2), math.log(2), 0], abs=1e-6)


@pytest.mark.parametrize("name", list(BY_ANSWERS))
def test_a_table_of_answers_tells_what_the_attack_itself_is_told(name, unlearned, images):
    one = composed(name)
    told = one.built(one.settings)(view_of(one.threat, target=unlearned, auxiliary=images), torch.Generator())
    with torch.no_grad():
        p_NK = unlearned(unlearned.normalize(images.images)).softmax(1)
    found = BY_ANSWERS[name](p_NK, images.labels)
    assert found.queries == told.queries
    for screening in one.screenings.values():
        assert torch.allclose(screening(found).score_K, screening(told).score_K, atol=1e-5)

"""Labels from the movement of the head's rows, where the images that caused it are known."""

import copy

import pytest
import torch
from torch.nn import functional as F

from tests.attack.victims import Linear
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.rows import inferred_labels, moved_shares, signed_labels


def stepped(model, images_NCHW, labels_N, lr=0.01):
    """The model after one step up the loss of these images."""
    after = copy.deepcopy(model)
    F.cross_entropy(after(after.normalize(images_NCHW)), labels_N).backward()
    with torch.no_grad():
        for parameter in after.parameters():
            parameter.add_(parameter.grad, alpha=lr)
    return after


@pytest.mark.parametrize("labels", [[3], [0, 4], [2, 2, 2], [1, 1, 4]])
def test_a_step_up_the_loss_gives_away_the_labels_and_how_often_each(labels):
    model = Linear(scale=0.05)
    model.head.bias.data.zero_()
    images = torch.rand(len(labels), *model.image_shape, generator=torch.Generator().manual_seed(1))
    after = stepped(model, images, torch.tensor(labels))
    share_K = moved_shares(WhiteBox(after), WhiteBox(model))
    assert share_K.sum().item() == pytest.approx(1)
    assert inferred_labels(share_K, len(labels)).tolist() == labels


def test_a_model_that_did_not_move_has_no_share_and_labels_all_the_same():
    box = WhiteBox(Linear())
    share_K = moved_shares(box, box)
    assert share_K.count_nonzero() == 0
    assert inferred_labels(share_K, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("labels", [[3], [0, 4], [2, 2, 2], [1, 1, 4], [0, 1, 2, 3]])
def test_the_biases_signs_give_away_labels_also_of_images_that_the_model_is_sure_of(labels):
    model = Linear(scale=0.05)
    model.head.bias.data.zero_()
    images = torch.rand(len(labels), *model.image_shape, generator=torch.Generator().manual_seed(1))
    after = stepped(model, images, torch.tensor(labels))
    assert signed_labels(after.head.bias.data - model.head.bias.data, len(labels)).tolist() == labels


def test_signs_find_a_label_whose_row_hardly_moves_beside_a_wrong_image():
    """An image that the model is nearly sure of, beside one that it takes for class 0."""
    p_NK = torch.tensor([[0.90, 0.04, 0.03, 0.03], [0.02, 0.02, 0.94, 0.02]])
    slope_K = (p_NK - F.one_hot(torch.tensor([1, 2]), 4)).mean(0)
    assert signed_labels(slope_K, 2).tolist() == [1, 2]
    share_K = slope_K.abs() / slope_K.abs().sum()
    assert inferred_labels(share_K, 2).tolist() != [1, 2]


def test_signs_of_nothing_are_labels_all_the_same():
    assert signed_labels(torch.zeros(3), 2).tolist() == [0, 0]
    assert signed_labels(torch.tensor([0.1, -0.5, -0.2]), 1).tolist() == [1]

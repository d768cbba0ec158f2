"""Labels from the movement of the head's rows, where the images that caused it are known."""

import copy

import pytest
import torch
from torch.nn import functional as F

from tests.attack.victims import Linear
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.rows import inferred_labels, moved_shares


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

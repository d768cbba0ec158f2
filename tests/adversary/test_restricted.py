import pytest
import torch

from unlearnleak.adversary.access import BlackBox, WhiteBox
from unlearnleak.adversary.restricted import Restricted, answering_among, kept_classes
from unlearnleak.data import LabeledImages
from unlearnleak.model.base.answers import undefended
from unlearnleak.model.lenet import LeNet

KEPT = (0, 3, 4)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LeNet(image_shape=(1, 28, 28), num_classes=6, mean=(0.1,), std=(0.3,)).eval()


def test_it_answers_as_the_model_does_among_the_classes_that_it_knows(model):
    images = torch.rand(5, 1, 28, 28)
    whole = BlackBox(model).probabilities(images)[:, list(KEPT)]
    part = BlackBox(Restricted(model, KEPT)).probabilities(images)
    torch.testing.assert_close(part, whole / whole.sum(1, keepdim=True))
    assert part.shape == (5, 3)


def test_its_head_has_the_rows_of_these_classes(model):
    weight, bias = WhiteBox(Restricted(model, KEPT)).head()
    assert torch.equal(weight, model.head.weight[list(KEPT)])
    assert torch.equal(bias, model.head.bias[list(KEPT)])


def test_a_defence_is_told_of_all_classes_and_its_answers_are_then_of_these(model):
    def top_one(asked, x_NCHW):
        assert asked.num_classes == 6
        p_NK = undefended(asked, x_NCHW)
        return torch.nn.functional.one_hot(p_NK.argmax(1), 6).float()

    images = torch.rand(40, 1, 28, 28)
    with torch.no_grad():
        model.head.bias[1] += 0.02  # so that some answers are of a class that is left out
    said = BlackBox(model, top_one).probabilities(images).argmax(1)
    told = BlackBox(Restricted(model, KEPT), answering_among(top_one, KEPT)).probabilities(images)
    torch.testing.assert_close(told.sum(1), torch.ones(40))
    inside = torch.isin(said, torch.tensor(KEPT))
    assert torch.equal(torch.tensor(KEPT)[told[inside].argmax(1)], said[inside])
    assert (told[~inside] == told.new_tensor(1 / 3)).all()
    assert (~inside).any()


def test_labels_are_counted_anew():
    labels = torch.tensor([0, 1, 3, 4, 4, 5])
    images = LabeledImages(torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1), labels, 6)
    kept = kept_classes(images, KEPT)
    assert kept.labels.tolist() == [0, 1, 2, 2]
    assert kept.images.flatten().tolist() == [0, 2, 3, 4]
    assert kept.num_classes == 3

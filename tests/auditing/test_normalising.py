"""Who says how images are normalised: the command, the model, the images, in this order."""

import pytest
import torch
from torch import nn

from unlearnleak.auditing.normalising import KEPT, OWN, TOLD, normalisation, own_normalisation, settled
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.foreign.model import wrap_model
from unlearnleak.model.lenet import LeNet

SHAPE = (3, 12, 12)


@pytest.fixture
def images():
    pixels = torch.randint(0, 256, (20, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return LabeledImages(pixels, torch.arange(20) % 2, 2)


def test_the_images_own_is_that_of_their_pixels(images):
    mean, std = own_normalisation(images)
    pixels = images.images.double() / 255
    assert mean == pytest.approx([float(pixels[:, c].mean()) for c in range(3)])
    assert std == pytest.approx([float(pixels[:, c].flatten().std(correction=0)) for c in range(3)])
    assert normalisation(images, None, None, SHAPE) == (mean, std, OWN)
    assert normalisation(None, None, None, SHAPE)[:2] == ((0.0,) * 3, (1.0,) * 3)


def test_one_number_stands_for_every_channel_and_both_are_given(images):
    assert normalisation(images, 0.5, (0.1, 0.2, 0.3), SHAPE) == ((0.5,) * 3, (0.1, 0.2, 0.3), TOLD)
    with pytest.raises(UserError, match="given together"):
        normalisation(images, 0.5, None, SHAPE)


@pytest.mark.parametrize(("told", "source"), [(True, TOLD), (False, KEPT)])
def test_what_is_told_is_put_into_the_model_and_what_it_keeps_comes_before_the_images(images, told, source):
    own = LeNet(image_shape=SHAPE, num_classes=2, mean=(0.1,) * 3, std=(0.2,) * 3)
    how = normalisation(images, *((0.6, 0.7) if told else (None, None)), SHAPE)
    model = wrap_model(own, image_shape=SHAPE, mean=how.mean, std=how.std)
    found = settled(model, how)
    assert found.source == source
    kept = [part.flatten().tolist() for part in (model.classifier.mean, model.classifier.std)]
    assert kept[0] == pytest.approx(found.mean)
    assert kept[1] == pytest.approx(found.std)
    assert own.mean.flatten().tolist() == pytest.approx([0.1] * 3)


def test_a_strangers_module_keeps_none(images):
    how = normalisation(images, None, None, SHAPE)
    net = nn.Sequential(nn.Flatten(), nn.Linear(432, 2))
    assert settled(wrap_model(net, image_shape=SHAPE, mean=how.mean, std=how.std), how).source == OWN

import pytest
import torch

from tests.attack.victims import Linear
from unlearnleak.adversary import inversion
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.inversion import Descent, to_pixels, total_variation


def slow_tv(image):
    total, (C, H, W) = 0.0, image.shape
    for c in range(C):
        for i in range(H):
            for j in range(W):
                total += abs(image[c, i, j] - image[c, i - 1, j]) if i else 0
                total += abs(image[c, i, j] - image[c, i, j - 1]) if j else 0
    return total


def test_total_variation_of_a_hand_example_and_of_drawn_images():
    assert total_variation(torch.tensor([[[[0.0, 1.0], [3.0, 3.0]]]])).item() == 3 + 2 + 1 + 0
    images = torch.randn(3, 2, 4, 5)
    torch.testing.assert_close(total_variation(images), torch.tensor([slow_tv(image) for image in images]))


def test_pixels_turn_the_normalisation_round():
    target, images = WhiteBox(Linear(mean=(0.1, 0.6), std=(0.3, 0.2))), torch.rand(4, 2, 3, 4)
    torch.testing.assert_close(to_pixels(target, target.normalize(images)), images)
    assert to_pixels(target, torch.full((1, 2, 3, 4), 99.0)).max() == 1


@pytest.mark.parametrize(("chunk", "most"), [(None, 4), (3, 3), (100, 15)])
def test_no_more_images_than_the_bound_are_optimised_at_once(chunk, most, monkeypatch):
    target, asked = WhiteBox(Linear()), []
    classes_N = torch.arange(5).repeat_interleave(3)

    def invert(chunk):
        descent = Descent(restarts=3, steps=4, lr=0.1, l2=0.01, tv=0.02, chunk=chunk)

        def logits(x_NCHW, place_N):
            asked.append(len(x_NCHW))
            assert len(place_N) == len(x_NCHW)
            return target.logits(x_NCHW)

        return descent.invert(target, logits, classes_N, torch.Generator().manual_seed(0))

    whole = invert(None)
    assert max(asked) == 15
    monkeypatch.setattr(inversion, "AT_ONCE", 4)
    asked.clear()
    parts = invert(chunk)
    assert max(asked) == most
    for one, other in zip(whole[1:], parts[1:], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)

import pytest
import torch

from tests.attack.victims import Linear
from unlearnleak.adversary import inversion
from unlearnleak.adversary.access import WhiteBox
from unlearnleak.adversary.inversion import Descent, rows_in_the_box, to_pixels, total_variation


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


@pytest.mark.parametrize(("image_shape", "held"), [((4, 1, 1), True), ((2, 3, 4), False), ((4, 1, 2), False)])
def test_rows_are_held_in_the_box_in_every_step_and_images_are_not(image_shape, held):
    """Far from the normalisation's middle a start lies outside, and a large rate takes x out of the box."""
    target = WhiteBox(Linear(image_shape=image_shape, mean=(0.9,) * image_shape[0], std=(0.1,) * image_shape[0]))
    low, high = ((torch.tensor(value) - 0.9) / 0.1 for value in (0.0, 1.0))
    asked = []

    def logits(x_NCHW, place_N):
        asked.append(x_NCHW.detach().clone())
        return target.logits(x_NCHW)

    descent = Descent(restarts=3, steps=5, lr=4.0, l2=0.0, tv=0.0, chunk=None)
    found = descent.invert(target, logits, torch.arange(5).repeat_interleave(3), torch.Generator().manual_seed(0))
    inside = [bool(((x >= low - 1e-5) & (x <= high + 1e-5)).all()) for x in [*asked, found.x_NCHW]]
    assert inside == [held] * 7
    assert rows_in_the_box(image_shape) == ({"rows_in_the_box": 1} if held else {})


def test_a_row_s_steps_are_those_of_a_plain_loop_that_clamps():
    model, start = Linear(image_shape=(3, 1, 1)), torch.Generator().manual_seed(4)
    target, descent = WhiteBox(model), Descent(restarts=1, steps=6, lr=0.5, l2=0.02, tv=9.0, chunk=None)
    found = descent.invert(target, lambda x, _: target.logits(x), torch.arange(5), torch.Generator().manual_seed(4))
    weight, bias = model.head.weight.detach(), model.head.bias.detach()
    low, high = (0 - 0.4) / 0.25, (1 - 0.4) / 0.25
    for c, drawn in enumerate(torch.randn(5, 3, 1, 1, generator=start).flatten(1)):
        x = drawn.clamp(low, high)
        for _ in range(6):
            p = (weight @ x + bias).softmax(0)
            x = (x - 0.5 * (weight.T @ p - weight[c] + 2 * 0.02 * x)).clamp(low, high)
        torch.testing.assert_close(found.x_NCHW[c].flatten(), x, rtol=1e-4, atol=1e-5)


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

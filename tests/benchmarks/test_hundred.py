import numpy as np

from benchmarks.hundred import COLOURS, EACH, hundred


def test_each_image_is_coloured_and_turned_once_and_each_class_gets_its_share():
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (400, 4, 4), np.uint8)
    labels = np.arange(400) % 4
    made, kinds = hundred(images, labels, np.random.default_rng(0))
    assert made.shape == (400, 4, 4, 3)
    assert np.bincount(kinds).tolist() == [10] * 40
    for image, label, ours, kind in zip(images, labels, made, kinds, strict=True):
        assert kind // EACH == label
        colour, turn = divmod(kind % EACH, 2)
        expected = (np.rot90(image) if turn else image)[..., None] * COLOURS[colour]
        assert np.array_equal(ours, expected.round().astype(np.uint8))

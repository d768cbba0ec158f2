"""Reconstructions against slow loops: every assignment, and the formulas of MSE, PSNR and SSIM pixel by pixel."""

import math
from itertools import permutations, product

import pytest
import torch

from unlearnleak.metric.reconstruction import (
    HIGHEST_PSNR,
    RECONSTRUCTION_METRICS,
    Pictures,
    closeness,
    matched,
    reconstruction_metrics,
)


def pictures(count, seed, labels=None, shape=(1, 12, 12)):
    draw = torch.Generator().manual_seed(seed)
    images = torch.rand(count, *shape, generator=draw)
    return Pictures(images, torch.zeros(count, dtype=torch.int64) if labels is None else torch.tensor(labels))


def mse(a, b):
    return (a - b).square().mean().item()


def slow_ssim(a_HW, b_HW):
    """Wang et al. 2004, eq. 13, around each pixel of two grey images mirrored at their edges, in plain Python."""
    line = [math.exp(-((i - 5) ** 2) / (2 * 1.5**2)) for i in range(11)]
    height, width = a_HW.shape
    found = []
    for y, x in product(range(height), range(width)):
        cells = []
        for i, j in product(range(11), range(11)):
            place = mirrored(y + i - 5, height), mirrored(x + j - 5, width)
            cells.append((line[i] * line[j] / sum(line) ** 2, a_HW[place].item(), b_HW[place].item()))
        mean_a, mean_b = sum(w * a for w, a, _ in cells), sum(w * b for w, _, b in cells)
        spread = sum(w * (a * a + b * b) for w, a, b in cells) - mean_a**2 - mean_b**2
        both = sum(w * a * b for w, a, b in cells) - mean_a * mean_b
        c1, c2 = 0.01**2, 0.03**2
        found.append((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (spread + c2)))
    return sum(found) / len(found)


def mirrored(place, side):
    return side - 1 - abs(side - 1 - abs(place))


def test_closeness_is_that_of_the_formulas():
    a, b = pictures(3, 0).images, pictures(3, 1).images
    b[0] = (0.9 * a[0] + 0.1 * b[0]).clamp(0, 1)
    found = closeness(a, b)
    each = [mse(x, y) for x, y in zip(a, b, strict=True)]
    assert found["mse"] == pytest.approx(sum(each) / 3, rel=1e-5)
    assert found["psnr"] == pytest.approx(sum(-10 * math.log10(value) for value in each) / 3, rel=1e-5)
    slow = [slow_ssim(x[0].double(), y[0].double()) for x, y in zip(a, b, strict=True)]
    assert found["ssim"] == pytest.approx(sum(slow) / 3, abs=1e-4)
    assert slow[0] > 0.8 > slow[1] + 0.5  # so that the agreement says something


def test_the_same_image_is_as_close_as_can_be():
    image = pictures(1, 0).images
    assert closeness(image, image) == {"mse": 0.0, "psnr": HIGHEST_PSNR, "ssim": pytest.approx(1)}
    constant = closeness(torch.full_like(image, 0.25), torch.full_like(image, 0.75))
    assert constant["mse"] == pytest.approx(0.25)
    assert constant["psnr"] == pytest.approx(10 * math.log10(4))
    assert constant["ssim"] == pytest.approx((2 * 0.1875 + 1e-4) / (0.625 + 1e-4), rel=1e-4)


def test_images_smaller_than_its_window_have_no_ssim():
    assert closeness(pictures(2, 0, shape=(3, 5, 12)).images, pictures(2, 1, shape=(3, 5, 12)).images)["ssim"] is None


@pytest.mark.parametrize(("found", "targets"), [(4, 4), (2, 4), (4, 3)])
def test_the_assignment_is_the_best_of_all(found, targets):
    a, b = pictures(found, 0), pictures(targets, 1)
    rows, columns = matched(a, b)
    assert len(rows) == min(found, targets) == len(set(columns.tolist()))
    reached = sum(mse(a.images[i], b.images[j]) for i, j in zip(rows, columns, strict=True))
    short, long = (a, b) if found <= targets else (b, a)
    best = min(
        sum(mse(short.images[i], long.images[j]) for i, j in enumerate(order))
        for order in permutations(range(len(long.labels)), len(short.labels))
    )
    assert reached == pytest.approx(best, rel=1e-6)


def test_images_of_one_label_are_matched_first_and_a_wrong_label_still_counts():
    targets = pictures(3, 0, [1, 1, 2])
    found = Pictures(targets.images[[2, 0, 1]], torch.tensor([1, 2, 5]))  # right images, wrong labels
    rows, columns = matched(found, targets)
    pairs = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    assert pairs[1] == 2  # the only one of label 2
    assert pairs[0] in (0, 1)
    assert set(pairs) == {0, 1, 2}


def test_the_placebo_is_what_retained_images_of_the_class_reach():
    targets = pictures(2, 0, [1, 3])
    retained = pictures(3, 1, [1, 1, 2])
    numbers = reconstruction_metrics(targets, targets, retained, 0)
    assert tuple(numbers) == RECONSTRUCTION_METRICS
    assert numbers["reconstruction_mse"] == 0.0
    of_1 = [mse(retained.images[i], targets.images[0]) for i in (0, 1)]
    of_any = [mse(retained.images[i], targets.images[1]) for i in range(3)]  # nothing of class 3 is retained
    low, high = (min(of_1) + min(of_any)) / 2, (max(of_1) + max(of_any)) / 2
    assert low < numbers["reconstruction_mse_placebo"] < high
    mean_1, mean_any = retained.images[:2].mean(0), retained.images.mean(0)
    expected = (mse(mean_1, targets.images[0]) + mse(mean_any, targets.images[1])) / 2
    assert numbers["reconstruction_mse_class_mean"] == pytest.approx(expected, rel=1e-5)
    assert numbers == reconstruction_metrics(targets, targets, retained, 0)
    other = reconstruction_metrics(targets, targets, retained, 1)
    assert other["reconstruction_mse_placebo"] != numbers["reconstruction_mse_placebo"]


def test_the_placebo_may_choose_among_the_targets_as_the_reconstructions_may():
    """Noise in place of reconstructions, matched with the nearest of many, is no closer than its placebo."""
    targets, retained, noise = pictures(60, 0), pictures(60, 1), pictures(4, 2)
    numbers = reconstruction_metrics(noise, targets, retained, 0)
    assert numbers["reconstruction_mse"] == pytest.approx(numbers["reconstruction_mse_placebo"], rel=0.05)
    alone = mse(noise.images, targets.images[:4])
    assert numbers["reconstruction_mse"] < 0.95 * alone  # the choice itself brings something


def test_without_images_to_compare_nothing_is_defined():
    some, none = pictures(2, 0), Pictures(torch.empty(0, 1, 12, 12), torch.empty(0, dtype=torch.int64))
    assert set(reconstruction_metrics(none, some, some, 0).values()) == {None}
    assert set(reconstruction_metrics(some, none, some, 0).values()) == {None}
    only = reconstruction_metrics(some, some, none, 0)
    assert only["reconstruction_psnr"] == HIGHEST_PSNR
    assert only["reconstruction_psnr_placebo"] is only["reconstruction_psnr_class_mean"] is None


@pytest.mark.parametrize(
    ("taken", "share"), [([0, 0, 1], 1.0), ([1, 1, 0], 2 / 3), ([2, 2, 2], 0.0), ([0], 1.0), ([0, 0, 1, 1], 1.0)]
)
def test_labels_are_right_where_a_forgotten_image_has_each(taken, share):
    found, targets = pictures(len(taken), 0, taken), pictures(3, 1, [0, 0, 1])
    numbers = reconstruction_metrics(found, targets, pictures(5, 2, [0, 0, 0, 1, 1]), 0)
    assert numbers["reconstruction_labels"] == pytest.approx(share)

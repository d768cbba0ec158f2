"""Random crops and flips of whole batches, against torchvision's functions on one image after the other."""

import pytest
import torch
from torchvision.transforms import functional as F

from tests.jobs import pipeline_in
from tests.trained import flat
from tests.training.test_batches import numbered
from unlearnleak.data import LabeledImages
from unlearnleak.errors import UserError
from unlearnleak.machine.seeds import generator, isolated
from unlearnleak.model.lenet import LeNet
from unlearnleak.training.augmentation import PAD, crop_flip, drawn_moves
from unlearnleak.training.batches import Blocks, Pass, Passes, ResidentBatches
from unlearnleak.training.fit import fit
from unlearnleak.training.optimization import Optimization


def pictures(count, shape=(3, 12, 9)):
    return torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator(0, "images"))


@pytest.mark.parametrize("shape", [(3, 12, 9), (1, 28, 28), (2, 9, 16)])
def test_equal_to_torchvision_on_one_image_at_a_time(shape):
    images, moves = pictures(40, shape), drawn_moves((40,), generator(0, "moves"))
    moved = crop_flip(images, moves)
    assert moved.dtype == torch.uint8
    for image, (down, right, flip), ours in zip(images, moves.tolist(), moved, strict=True):
        expected = F.crop(F.pad(image, [PAD]), down, right, *shape[1:])
        assert torch.equal(ours, F.hflip(expected) if flip else expected)


def test_the_middle_without_a_flip_is_the_image_itself():
    images = pictures(5)
    assert torch.equal(crop_flip(images, torch.tensor([[PAD, PAD, 0]]).expand(5, -1)), images)


def test_each_place_and_each_side_comes_equally_often():
    """Shares of 45,000 draws, 4 deviations; seed 0."""
    moves = drawn_moves((150, 300), generator(0)).flatten(0, 1)
    for column, kinds in enumerate((2 * PAD + 1, 2 * PAD + 1, 2)):
        share = torch.bincount(moves[:, column], minlength=kinds) / len(moves)
        assert len(share) == kinds
        assert (share - 1 / kinds).abs().max() < 4 * (1 / kinds / len(moves)) ** 0.5


def test_an_epoch_without_augmentation_draws_its_order_alone():
    plain = generator(0)
    list(ResidentBatches(numbered(20), 4, plain))
    other = generator(0)
    torch.randperm(20, generator=other)
    assert torch.equal(plain.get_state(), other.get_state())


def test_every_epoch_moves_images_anew_and_leaves_those_on_the_device_as_they_are():
    data = LabeledImages(pictures(8), torch.arange(8) % 2, 2)
    before, epoch = data.images.clone(), ResidentBatches(data, 8, generator(0), "crop_flip")
    first, second = (dict(zip(*reversed(next(iter(epoch))), strict=True)) for _ in range(2))
    assert torch.equal(data.images, before)
    assert any(not torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


def test_blocks_hold_the_moves_of_the_same_batches():
    data = LabeledImages(pictures(30), torch.arange(30) % 2, 2)
    passes = [Pass(data, 4), Pass(data.select(torch.arange(10)), 5)]
    batches = [images for images, _ in Passes(passes, generator(0), "crop_flip")]
    found = []
    for block in Blocks(Passes(passes, generator(0), "crop_flip"), 3):
        images = passes[block.pass_number].data.images
        found += [crop_flip(images[i], m) for i, m in zip(block.index_SB, block.moves_SB3, strict=True)]
    assert len(found) == len(batches)
    assert all(torch.equal(one, other) for one, other in zip(found, batches, strict=True))


def trained(digits, captured, augmentation="crop_flip"):
    with isolated(0, "weights"):
        model = LeNet(image_shape=(1, 28, 28), num_classes=10, mean=digits.mean, std=digits.std)
    how = Optimization(epochs=2, batch_size=48, lr=0.05, augmentation=augmentation)
    draw = generator(0, "batches")
    rows = fit(model, digits.train, how, test=digits.test, generator=draw, label="training", captured=captured)
    return flat(model), rows


def test_captured_steps_train_on_the_same_images(digits):
    (one, rows), (other, its), (plain, _) = (
        trained(digits, False),
        trained(digits, True),
        trained(digits, False, "none"),
    )
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert [row["train_acc"] for row in rows] == [row["train_acc"] for row in its]
    assert (one - plain).norm() > 0.1 * plain.norm()


@pytest.mark.parametrize("unlearner", ["ft", "au", "salun", "ng"])
def test_unlearners_train_with_the_original_s_augmentation(tmp_path, unlearner):
    models = [
        pipeline_in(tmp_path, f"unlearner={unlearner}", f"training.augmentation={how}", *more).artifact("unlearned")
        for how, more in (("crop_flip", []), ("none", []))
    ]
    assert any(not torch.equal(models[0].tensors[name], models[1].tensors[name]) for name in models[0].tensors)


def test_small_pictures_are_refused_before_any_training(tmp_path):
    with pytest.raises(UserError, match=r"training\.augmentation=crop_flip crops pictures .*Set training\.augmentat"):
        pipeline_in(tmp_path, *tabular(tmp_path), "training.augmentation=crop_flip").artifact("original")
    assert not list(tmp_path.glob("store/original/*"))


def tabular(folder):
    rows = [f"{(7 * n) % 13},{n % 3},{n % 2}" for n in range(60)]
    (folder / "t.csv").write_text("\n".join(["x,y,label", *rows]))
    return ["dataset=csv", f"dataset.path={folder / 't.csv'}", "dataset.test_per_class=4", "forget_classes=[1]"]

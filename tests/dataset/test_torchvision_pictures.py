"""Sets of torchvision whose pictures are files, read by its real classes from files that are written here."""

import errno
import json
import weakref
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets
from torchvision.transforms import functional as F

from tests.jobs import composed, small
from unlearnleak.dataset import torchvision
from unlearnleak.dataset.base import pictures
from unlearnleak.dataset.torchvision import Torchvision
from unlearnleak.errors import UserError
from unlearnleak.foreign.picture import centre
from unlearnleak.pipeline.plan import make_plan
from unlearnleak.pipeline.stages import Pipeline

SETTINGS = {"split": None, "download": False, "auxiliary_per_class": 1, "test_per_class": None, "train_limit": None}
CLASSES = ("n01440764", "n02102040", "n02979186")
"""Imagenette's first."""


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch):
    monkeypatch.setattr(torchvision, "SEEN", {})
    monkeypatch.setattr(torchvision, "HELD", {})


def made(root, name, size=None, **changed):
    return Torchvision(name=name, root=str(root), size=size, **SETTINGS | changed)


def save(path, colour, shape=(20, 30), mode="RGB"):
    """A picture of one colour, `shape` (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, shape[::-1], colour).save(path)


def colours(images):
    """The colour of each image of one colour, as sorted tuples; they lie in the order of their labels."""
    assert (images.images == images.images[..., :1, :1]).all()
    assert (images.labels.diff() >= 0).all()
    return sorted(tuple(each) for each in images.images[..., 0, 0].tolist())


def eurosat(root, each=10, classes=("AnnualCrop", "Forest", "River")):
    """Its folders, and in them lossless pictures by its suffix: their content, not their name, tells the format."""
    for number, name in enumerate(classes):
        for picture in range(each):
            save(root / "eurosat" / "2750" / name / f"{name}_{picture}.png", (80 * number, picture, 7), (64, 64))
    return root


def test_a_set_without_parts_sets_a_fifth_of_its_rarest_class_aside_for_testing(tmp_path, no_network):
    dataset = made(eurosat(tmp_path), "EuroSAT")
    everything, test = dataset.load()
    assert test is None
    assert everything.image_shape == (3, 32, 32)
    assert colours(everything) == [(80 * n, picture, 7) for n in range(3) for picture in range(10)]
    assert (everything.images[:, 0, 0, 0] == 80 * everything.labels).all()
    splits = dataset.splits(torch.Generator().manual_seed(0))
    assert splits.test.class_counts().tolist() == [2, 2, 2]
    assert splits.train.class_counts().tolist() == [7, 7, 7]
    assert not set(colours(splits.test)) & set(colours(splits.train))
    more = made(tmp_path, "EuroSAT", test_per_class=4).splits(torch.Generator().manual_seed(0))
    assert more.test.class_counts().tolist() == [4, 4, 4]


def test_parts_by_the_word_split(tmp_path, no_network):
    for part, blue, each in (("train", 1, 4), ("val", 2, 2)):
        for number, name in enumerate(CLASSES):
            for picture in range(each):
                save(tmp_path / "imagenette2" / part / name / f"{picture}.png", (90 * number, picture, blue))
    for file in tmp_path.rglob("*.png"):
        file.rename(file.with_suffix(".jpeg"))
    train, test = made(tmp_path, "Imagenette", size=16).load()
    assert (train.image_shape, train.num_classes) == ((3, 16, 16), 3)
    assert colours(train) == [(90 * n, picture, 1) for n in range(3) for picture in range(4)]
    assert colours(test) == [(90 * n, picture, 2) for n in range(3) for picture in range(2)]
    assert all((part.images[:, 0, 0, 0] == 90 * part.labels).all() for part in (train, test))


def test_training_and_validation_pictures_train_where_there_is_a_test_part(tmp_path, no_network):
    classes = ("banded", "blotchy")
    for part, blue in (("train", 1), ("val", 2), ("test", 3)):
        lines = []
        for number, name in enumerate(classes):
            save(tmp_path / "dtd" / "dtd" / "images" / name / f"{part}.png", (90 * number, 0, blue))
            lines.append(f"{name}/{part}.png")
        labels = tmp_path / "dtd" / "dtd" / "labels" / f"{part}1.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("\n".join(lines))
    train, test = made(tmp_path, "DTD", size=8).load()
    assert colours(train) == [(0, 0, 1), (0, 0, 2), (90, 0, 1), (90, 0, 2)]
    assert train.labels.tolist() == [0, 0, 1, 1]
    assert colours(test) == [(0, 0, 3), (90, 0, 3)]


def gtsrb(root):
    """Training pictures in a folder a class, the test's classes in a table, sizes of all kinds."""
    folder, lines = root / "gtsrb", ["Filename;Width;ClassId"]
    for number in range(3):
        for picture in range(3):
            file = folder / "GTSRB" / "Training" / f"{number:05d}" / f"{picture}.ppm"
            save(file, (60 * number, picture, 5), (25 + 9 * picture, 40))
        save(folder / "GTSRB" / "Final_Test" / "Images" / f"{number}.ppm", (60 * number, 9, 5), (31, 29))
        lines.append(f"{number}.ppm;29;{number}")
    folder.joinpath("GT-final_test.csv").write_text("\n".join(reversed(lines[1:])) + "\n")
    table = folder / "GT-final_test.csv"
    table.write_text(lines[0] + "\n" + table.read_text())
    return root


def test_parts_that_are_told_by_a_table(tmp_path, no_network):
    train, test = made(gtsrb(tmp_path), "GTSRB").load()
    assert colours(train) == [(60 * n, picture, 5) for n in range(3) for picture in range(3)]
    assert (colours(test), test.labels.tolist()) == ([(0, 9, 5), (60, 9, 5), (120, 9, 5)], [0, 1, 2])


def test_a_training_part_that_torchvision_joins_itself(tmp_path, no_network):
    data = tmp_path / "fgvc-aircraft-2013b" / "data"
    for number, (part, name) in enumerate([("trainval", "A310"), ("trainval", "Boeing 737-700"), ("test", "A310")]):
        save(data / "images" / f"{number}.png", (number, 0, 50))
        (data / "images" / f"{number}.png").rename(data / "images" / f"{number}.jpg")
        with (data / f"images_variant_{part}.txt").open("a") as file:
            file.write(f"{number} {name}\n")
    (data / "variants.txt").write_text("A310\nBoeing 737-700\n")
    train, test = made(tmp_path, "FGVCAircraft", size=8).load()
    assert (colours(train), train.labels.tolist()) == ([(0, 0, 50), (1, 0, 50)], [0, 1])
    assert (colours(test), test.labels.tolist()) == ([(2, 0, 50)], [0])


def test_grey_stays_grey_only_where_all_pictures_are(tmp_path, no_network):
    """Caltech101's files are opened as they are: some in grey, some in colour."""
    folder = tmp_path / "caltech101" / "101_ObjectCategories"
    for name in ("BACKGROUND_Google", "ant", "bass"):
        for number in (1, 2, 3):
            save(folder / name / f"image_{number:04d}.jpg", 40 * number, mode="L")
    assert made(tmp_path, "Caltech101", size=8).load()[0].image_shape == (1, 8, 8)
    save(folder / "ant" / "image_0002.jpg", (250, 0, 0))
    torchvision.HELD.clear()
    mixed, _ = made(tmp_path, "Caltech101", size=8).load()
    assert mixed.image_shape == (3, 8, 8)
    assert (40, 40, 40) in colours(mixed)
    assert mixed.num_classes == 2


def test_the_middle_is_taken_and_nothing_is_stretched():
    """As torchvision's Resize of the shorter side and CenterCrop do."""
    stripes = np.zeros((40, 120, 3), np.uint8)
    for channel in range(3):
        stripes[:, 40 * channel : 40 * channel + 40, channel] = 200
    middle = np.asarray(centre(Image.fromarray(stripes), 16))[:, 1:-1]
    assert np.unique(middle.reshape(-1, 3), axis=0).tolist() == [[0, 200, 0]]
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8))
    theirs = F.center_crop(F.resize(noise, [30], F.InterpolationMode.BILINEAR), [30])
    assert abs(np.asarray(centre(noise, 30), int) - np.asarray(theirs, int)).max() <= 1


def test_tensors_are_pictures_too():
    """A loader of torchvision.io gives these, [3, H, W]."""
    red = torch.zeros(3, 12, 12, dtype=torch.uint8)
    red[0] = 90
    found = pictures.read_parts({"train": [[(red, torch.tensor(3)), (red.float() / 255, np.int64(1))]]}, 4, "here")
    assert found["train_labels"].tolist() == [1, 3]
    assert np.unique(found["train_images"].reshape(-1, 3), axis=0).tolist() == [[90, 0, 0]]


def test_the_order_of_files_is_in_no_key(tmp_path, monkeypatch, no_network):
    eurosat(tmp_path)
    usual = made(tmp_path, "EuroSAT").fingerprint()
    init = datasets.EuroSAT.__init__

    def reversed_init(self, *args, **settings):
        init(self, *args, **settings)
        self.samples.reverse()

    monkeypatch.setattr(datasets.EuroSAT, "__init__", reversed_init)
    for store in (torchvision.SEEN, torchvision.HELD):
        store.clear()
    assert made(tmp_path, "EuroSAT").fingerprint() == usual
    save(next(tmp_path.rglob("*.png")), (1, 2, 3), (64, 64))
    for store in (torchvision.SEEN, torchvision.HELD):
        store.clear()
    assert made(tmp_path, "EuroSAT").fingerprint() != usual


def test_pictures_are_read_once_in_a_process_and_again_for_another_size(tmp_path, monkeypatch, no_network):
    eurosat(tmp_path)
    reads, read = [], pictures.read_parts
    monkeypatch.setattr(pictures, "read_parts", lambda *args: reads.append(args[1]) or read(*args))
    for _ in range(2):
        dataset = made(tmp_path, "EuroSAT")
        dataset.fingerprint()
        dataset.splits(torch.Generator())
    assert reads == [32]
    assert made(tmp_path, "EuroSAT", size=16).fingerprint() != dataset.fingerprint()
    assert reads == [32, 16]
    assert made(tmp_path, "EuroSAT", size=16).title == "EuroSAT_16"


def test_full_size_pictures_are_held_one_at_a_time(monkeypatch):
    """Each is dropped before the next is asked for."""
    held = []

    class Large:
        def __len__(self):
            return 5

        def __getitem__(self, number):
            assert all(each() is None for each in held)
            picture = Image.new("RGB", (300, 200), (number, 0, 0))
            held.append(weakref.ref(picture))
            return picture, number % 2

    found = pictures.read_parts({"train": [Large()]}, 8, "here")
    assert len(held) == len(found["train_images"]) == 5


def test_more_than_memory_takes_is_refused_before_a_picture_is_read(tmp_path, monkeypatch, no_network):
    monkeypatch.setattr("unlearnleak.machine.memory.free_memory", lambda: 10**5)
    monkeypatch.setattr(pictures, "_read", lambda *args: pytest.fail("a picture was read"))
    with pytest.raises(UserError, match=r"dataset\.size=32 holds .*are free"):
        made(eurosat(tmp_path), "EuroSAT").fingerprint()


def test_a_damaged_picture_and_a_target_that_is_no_class_are_told_in_one_line(tmp_path, no_network):
    next(eurosat(tmp_path).rglob("Forest_0.png")).write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UserError, match=r"name=EuroSAT in .*: picture 10 cannot be read: ") as caught:
        made(tmp_path, "EuroSAT").fingerprint()
    assert "\n" not in str(caught.value)
    grey = Image.new("L", (4, 4))
    for target in (None, {"boxes": []}, [1], "dog", 0.5):
        with pytest.raises(UserError, match=f"is of type {type(target).__name__} and no class number"):
            pictures.read_parts({"train": [[(grey, target)]]}, 4, "here")


def test_parts_whose_folders_number_classes_differently_are_refused(tmp_path, no_network):
    for part, names in (("train", CLASSES), ("val", CLASSES[1:])):
        for name in names:
            save(tmp_path / "imagenette2" / part / name / "0.jpeg", (9, 9, 9))
    with pytest.raises(UserError, match=r"its parts have different classes, such as .*tench"):
        made(tmp_path, "Imagenette").fingerprint()


@pytest.mark.parametrize("name", ["FER2013", "ImageNet", "Food101", "StanfordCars", "PCAM", "INaturalist"])
@pytest.mark.parametrize("download", [False, True])
def test_what_is_not_there_is_told_in_one_line(tmp_path, no_network, name, download):
    with pytest.raises(UserError, match=f"name={name} in .* neither found in") as caught:
        made(tmp_path, name, download=download).fingerprint()
    assert "\n" not in str(caught.value)


def food(root, classes=("apple_pie", "waffles")):
    for part, blue in (("train", 3), ("test", 4)):
        listed = {name: [f"{name}/{part}{picture}" for picture in range(3)] for name in classes}
        for number, files in enumerate(listed.values()):
            for picture, file in enumerate(files):
                save(root / "food-101" / "images" / f"{file}.jpg", (99 * number, 20 * picture, blue))
        (root / "food-101" / "meta").mkdir(exist_ok=True)
        (root / "food-101" / "meta" / f"{part}.json").write_text(json.dumps(listed))


class Stopped(BaseException):
    """As Ctrl-C."""


@pytest.mark.parametrize(
    ("ends", "kept"), [(Stopped(), True), (OSError(errno.ENOSPC, "disk full"), True), (URLError("no network"), False)]
)
def test_what_a_broken_off_download_left_is_not_taken_for_the_set(tmp_path, monkeypatch, ends, kept):
    """Food101 asks only whether its folders are there."""

    def half(*args, **settings):
        food(tmp_path, classes=("apple_pie",))
        raise ends

    with monkeypatch.context() as patched:
        patched.setattr("torchvision.datasets.food101.download_and_extract_archive", half)
        with pytest.raises((Stopped, UserError)):
            made(tmp_path, "Food101", download=True).fingerprint()
    if kept:
        with pytest.raises(UserError, match=r"an earlier download did not end.*\.Food101\.unfinished"):
            made(tmp_path, "Food101").fingerprint()
        (tmp_path / ".Food101.unfinished").unlink()
    food(tmp_path)
    assert made(tmp_path, "Food101").load()[1].class_counts().tolist() == [3, 3]


def test_a_download_that_ends_well_leaves_no_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "torchvision.datasets.food101.download_and_extract_archive", lambda *args, **more: food(tmp_path)
    )
    assert made(tmp_path, "Food101", download=True).load()[0].num_classes == 2
    assert not (tmp_path / ".Food101.unfinished").exists()
    assert made(tmp_path, "Food101").load()[0].num_classes == 2


def test_archives_of_imagenet_are_unpacked_behind_the_mark_and_what_is_unpacked_is_read(tmp_path, monkeypatch):
    """Torchvision unpacks them in the constructor, which has no `download`."""
    marked, mark = [], tmp_path / ".ImageNet.unfinished"

    class Unpacks(datasets.ImageFolder):
        def __init__(self, root, split="train", **settings):
            marked.append(mark.exists())
            save(tmp_path / split / "n01440764" / "0.JPEG", (9, 99, 9))
            super().__init__(tmp_path / split, **settings)

    monkeypatch.setattr(datasets, "ImageNet", Unpacks)
    for expected in ([True, True], [False, False]):
        made(tmp_path, "ImageNet").load()
        assert marked == expected
        assert not mark.exists()
        marked.clear()
        torchvision.HELD.clear()


def test_keys_hold_no_size_as_they_hold_the_pixels(tmp_path):
    """So keys of the sets that were read before there were sizes stay as they are."""
    words = ["dataset=torchvision", "dataset.name=USPS", "attack=param_dot"]
    for size in ("null", "16"):
        plan = make_plan(composed(*small(*words), f"dataset.size={size}", f"store={tmp_path}"))
        settings = plan.spec["dataset"]["settings"]
        assert set(settings) == {"name", "split", "auxiliary_per_class", "test_per_class", "train_limit"}
        assert plan.spec["dataset"]["version"] == 1


def test_a_folder_of_ones_own_is_called_by_its_name(tmp_path, no_network):
    for number, name in enumerate(("cat", "dog")):
        for picture in range(5):
            save(tmp_path / "pets" / name / f"{picture}.png", (99 * number, picture, 0))
    dataset = made(tmp_path / "pets", "ImageFolder", size=8)
    assert dataset.title == "pets_8"
    assert dataset.load()[0].class_counts().tolist() == [5, 5]


def test_a_whole_job_ends_in_a_verdict(tmp_path, no_network):
    """EuroSAT with a bright square where its class says: quick to learn."""
    draw = np.random.default_rng(0)
    for number, name in enumerate(("AnnualCrop", "Forest", "Highway", "River")):
        for picture in range(20):
            pixels = draw.integers(0, 60, (40, 64, 3))
            pixels[10 * number : 10 * number + 10, 12:52] += 190
            path = tmp_path / "data" / "eurosat" / "2750" / name / f"{picture}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    words = ["dataset=torchvision", "dataset.name=EuroSAT", f"dataset.root={tmp_path / 'data'}", "forget_classes=[1]"]
    plan = make_plan(composed(*small(*words, "training.epochs=4"), f"store={tmp_path / 'store'}"))
    pipeline = Pipeline(plan)
    assert pipeline.artifact("data").meta["test"] == [4, 4, 4, 4]
    assert pipeline.artifact("data").meta["image_shape"] == [3, 32, 32]
    assert len(pipeline.artifact("verdict").tensors["forgotten_K"]) == 4

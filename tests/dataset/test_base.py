import hashlib
import itertools

import numpy as np
import pytest
import torch

from unlearnleak.data import LabeledImages
from unlearnleak.dataset.base import Dataset
from unlearnleak.errors import UserError

COUNTS = (40, 60, 50)
SETTINGS = {"root": None, "path": None, "auxiliary_per_class": 7, "test_per_class": None, "train_limit": None}


class Numbered(Dataset):
    """Shuffled classes of 40, 60 and 50; the first two pixels of a training image hold its row."""

    version = 1
    has_test = True

    def load(self):
        labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], COUNTS))
        images = np.zeros((150, 2, 2), np.uint8)
        images[:, 0, 0] = np.arange(150)
        test = np.full((30, 2, 2), 255, np.uint8)
        test[:, 0, 0] = np.arange(30)
        train = LabeledImages.from_arrays(images, labels, 3)
        return train, LabeledImages.from_arrays(test, np.arange(30) % 3, 3) if self.has_test else None


class WithoutTest(Numbered):
    has_test = False


def rows(data):
    return data.images[:, 0, 0, 0].tolist()


def split(kind=Numbered, seed=0, **settings):
    return kind(**{**SETTINGS, **settings}).splits(torch.Generator().manual_seed(seed))


def test_parts_share_no_row_and_leave_none_out():
    parts = split(WithoutTest, test_per_class=11)
    used = rows(parts.train), rows(parts.test), rows(parts.auxiliary)
    assert sorted(itertools.chain(*used)) == list(range(150))
    assert parts.test.class_counts().tolist() == [11, 11, 11]
    assert parts.auxiliary.class_counts().tolist() == [7, 7, 7]
    assert parts.train.class_counts().tolist() == [40 - 18, 60 - 18, 50 - 18]


def test_rows_keep_their_label_and_the_order_of_the_source():
    everything = Numbered(**SETTINGS).load()[0]
    parts = split(WithoutTest, test_per_class=11, train_limit=50)
    for part in (parts.train, parts.test, parts.auxiliary):
        assert rows(part) == sorted(rows(part))
        assert part.labels.tolist() == everything.labels[rows(part)].tolist()


def test_a_test_set_of_the_source_is_kept_whole_or_drawn_from():
    assert rows(split().test) == list(range(30))
    drawn = split(test_per_class=4)
    assert drawn.test.class_counts().tolist() == [4, 4, 4]
    assert rows(drawn.test) != rows(split(test_per_class=4, seed=1).test)
    assert rows(drawn.train) == rows(split().train)


@pytest.mark.parametrize("kind", [Numbered, WithoutTest])
def test_one_seed_repeats_every_bit_and_another_gives_other_rows(kind):
    first, again, other = (split(kind, seed=seed, test_per_class=5, train_limit=90) for seed in (3, 3, 4))
    for part in ("train", "test", "auxiliary"):
        assert torch.equal(getattr(first, part).images, getattr(again, part).images)
        assert torch.equal(getattr(first, part).labels, getattr(again, part).labels)
        assert rows(getattr(first, part)) != rows(getattr(other, part))
    assert (first.mean, first.std) == (again.mean, again.std)


def test_a_train_limit_is_stratified_and_nested_and_moves_nothing_else():
    whole = split(WithoutTest, test_per_class=5)
    before = set()
    for limit in (12, 57, 96, 114, 9999):
        limited = split(WithoutTest, test_per_class=5, train_limit=limit)
        size = min(limit, 114)  # 150 rows less 3 × (5 + 7)
        assert len(limited.train) == size
        shares = torch.tensor([28, 48, 38]) * size / 114
        assert (limited.train.class_counts() - shares).abs().max() < 1
        assert before <= set(rows(limited.train)) <= set(rows(whole.train))
        assert rows(limited.auxiliary) == rows(whole.auxiliary)
        assert rows(limited.test) == rows(whole.test)
        before = set(rows(limited.train))


def test_more_auxiliary_data_move_no_test_row():
    few, many = (split(WithoutTest, test_per_class=5, auxiliary_per_class=n) for n in (2, 20))
    assert rows(few.test) == rows(many.test)
    assert set(rows(few.auxiliary)) < set(rows(many.auxiliary))


def test_no_auxiliary_data_are_an_empty_set():
    parts = split(auxiliary_per_class=0)
    assert len(parts.auxiliary) == 0
    assert parts.auxiliary.image_shape == (1, 2, 2)
    assert rows(parts.train) == list(range(150))


def test_statistics_are_those_of_the_training_part_alone():
    parts = split(train_limit=60)
    pixels = parts.train.images.numpy() / 255
    assert parts.mean == pytest.approx((pixels.mean(),))
    assert parts.std == pytest.approx((pixels.std(),))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            Numbered,
            {"auxiliary_per_class": 40},
            "dataset=test_base: class 0 has 40 training images and needs 41.*auxiliary_per_class",
        ),
        (
            WithoutTest,
            {"test_per_class": 33},
            "dataset=test_base: class 0 has 40.*needs 41: 7.*33 held out.*or dataset.test_per_class",
        ),
        (WithoutTest, {}, "test_per_class=null.*whole number from 1"),
        (Numbered, {"test_per_class": 11}, r"test_per_class=11: class 0 has only 10 .*1\.\.10"),
        (Numbered, {"train_limit": 2}, "train_limit=2 leaves class 0 no image.*or 4 and more"),
        (Numbered, {"train_limit": 0}, "train_limit=0"),
        (Numbered, {"train_limit": 10.5}, "train_limit=10.5"),
        (Numbered, {"auxiliary_per_class": -1}, "auxiliary_per_class=-1.*0 or more"),
        (Numbered, {"auxiliary_per_class": None}, "auxiliary_per_class=None"),
        (Numbered, {"auxiliary_per_class": True}, "auxiliary_per_class=True"),
        (Numbered, {"test_per_class": "7"}, "test_per_class='7'"),
    ],
)
def test_settings_that_cannot_be_met_are_refused_by_name(kind, settings, message):
    with pytest.raises(UserError, match=message):
        split(kind, **settings)


def test_the_train_limit_that_a_refusal_names_is_enough():
    assert split(train_limit=4).train.class_counts().min() == 1


def test_images_without_contrast_are_refused():
    class Blank(Numbered):
        def load(self):
            train, test = super().load()
            return LabeledImages(torch.full_like(train.images, 9), train.labels, 3), test

    with pytest.raises(UserError, match="dataset=test_base: all 129 training images have one value"):
        split(Blank)


def test_a_constant_channel_beside_others_is_taken_and_becomes_zero():
    class TwoColours(Numbered):
        def load(self):
            def coloured(part):
                images = part.images.expand(-1, 3, -1, -1).clone()
                images[:, 2] = 51
                return LabeledImages(images, part.labels, part.num_classes)

            train, test = super().load()
            return coloured(train), test if test is None else coloured(test)

    parts, plain = split(TwoColours), split()
    assert parts.mean == pytest.approx((*plain.mean, *plain.mean, 0.2))
    assert parts.std == pytest.approx((*plain.std, *plain.std, 1.0))


def test_a_fingerprint_follows_the_files_content_and_nothing_else_of_it(tmp_path):
    for name, content in {"a": b"one", "b": b"one", "c": b"two"}.items():
        (tmp_path / name).write_bytes(content)
    a, b, c = (Numbered(**{**SETTINGS, "path": str(tmp_path / name)}).fingerprint() for name in "abc")
    assert a == b != c
    assert a["sha256"] == hashlib.sha256(b"one").hexdigest()


def test_a_fingerprint_without_a_file_is_the_class_and_its_version():
    first = Numbered(**SETTINGS).fingerprint()
    assert first == Numbered(**{**SETTINGS, "root": "elsewhere"}).fingerprint()
    assert first != WithoutTest(**SETTINGS).fingerprint()
    assert (first["dataset"], first["version"]) == ("Numbered", 1)


@pytest.mark.parametrize("name", ["absent.npz", "."])
def test_a_fingerprint_of_no_file_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"cannot be read: .*directory"):
        Numbered(**{**SETTINGS, "path": str(tmp_path / name)}).fingerprint()


class ReadsByItself(Numbered):
    """A data set that opens its file by other means than `read_path`, and is told to change it meanwhile."""

    meanwhile = None

    def load(self):
        found = super().load()
        if self.meanwhile is not None:
            self.meanwhile()
        return found


def test_a_file_that_changes_while_it_is_loaded_is_refused_however_it_is_read(tmp_path):
    path = tmp_path / "images.h5"
    path.write_bytes(b"one")
    dataset = ReadsByItself(**{**SETTINGS, "path": str(path)})
    dataset.splits(torch.Generator())
    dataset.meanwhile = lambda: path.write_bytes(b"two")
    with pytest.raises(UserError, match=r"images\.h5 was replaced or changed"):
        dataset.splits(torch.Generator())


def test_what_was_loaded_first_is_what_a_fingerprint_speaks_of(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    dataset = Numbered(**{**SETTINGS, "path": str(path)})
    assert dataset.read_path() == b"one"
    path.write_bytes(b"two")
    assert dataset.fingerprint()["sha256"] == hashlib.sha256(b"one").hexdigest()
    with pytest.raises(UserError, match="same command again"):
        dataset.read_path()

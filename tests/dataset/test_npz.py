import io
import zipfile

import numpy as np
import pytest

from unlearnleak.dataset.npz import Npz
from unlearnleak.errors import UserError

SETTINGS = {
    "root": None,
    "auxiliary_per_class": 3,
    "test_per_class": None,
    "train_limit": None,
    "num_classes": None,
}


@pytest.fixture
def save(tmp_path):
    """Return a function that writes arrays to a file and gives the data set of that file."""

    def write(arrays, **settings):
        np.savez(tmp_path / "set.npz", **arrays)
        return Npz(path=str(tmp_path / "set.npz"), **{**SETTINGS, **settings})

    return write


def test_colour_images_come_out_pixel_for_pixel(save, arrays):
    train, test = save(arrays).load()
    assert train.image_shape == (3, 6, 7)
    assert (train.num_classes, len(train), len(test)) == (10, 300, 100)
    assert np.array_equal(train.images.numpy().transpose(0, 2, 3, 1), arrays["train_images"])
    assert np.array_equal(test.images.numpy().transpose(0, 2, 3, 1), arrays["test_images"])
    assert np.array_equal(train.labels.numpy(), arrays["train_labels"])
    assert np.array_equal(test.labels.numpy(), arrays["test_labels"])


def test_grey_images_may_have_a_channel_axis_or_none(save, arrays):
    flat = {name: a[..., 0] if a.ndim == 4 else a.astype(np.uint8) for name, a in arrays.items()}
    single = {name: a[..., :1] if a.ndim == 4 else a for name, a in arrays.items()}
    for grey in (flat, single):
        train, _ = save(grey).load()
        assert train.image_shape == (1, 6, 7)
        assert np.array_equal(train.images[:, 0].numpy(), flat["train_images"])


def test_splits_take_the_auxiliary_data_out_of_the_training_rows(save, arrays, generator):
    parts = save(arrays).splits(generator)
    assert parts.auxiliary.class_counts().tolist() == [3] * 10
    assert parts.train.class_counts().tolist() == [27] * 10
    assert parts.test.class_counts().tolist() == [10] * 10


def remove(name):
    return lambda arrays: arrays.pop(name)


def put(name, change):
    return lambda arrays: arrays.update({name: change(arrays[name])})


def relabel(old, new):
    return lambda labels: np.where(labels == old, new, labels)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove("test_labels"), "has no array test_labels; it holds train_images"),
        (put("train_images", lambda a: a / 255), "train_images has dtype float64.*uint8"),
        (put("test_images", lambda a: a.astype(np.int64)), "test_images has dtype int64"),
        (
            put("train_images", lambda a: a.transpose(0, 3, 1, 2)),
            r"train_images has shape \(300, 3, 6, 7\).*last",
        ),
        (put("train_images", lambda a: a.reshape(300, -1)), r"train_images has shape \(300, 126\)"),
        (put("train_images", lambda a: a[:0]), r"train_images has shape \(0, 6, 7, 3\)"),
        (put("test_images", lambda a: a[:, :5]), r"test_images has images of shape \(5, 7, 3\).*\(6, 7, 3\)"),
        (put("train_labels", lambda a: a[:-1]), r"train_labels has shape \(299,\).*\(300,\)"),
        (put("train_labels", lambda a: np.eye(10)[a].astype(int)), r"train_labels has shape \(300, 10\)"),
        (put("test_labels", lambda a: a.astype(float)), "test_labels has dtype float64.*whole-number"),
        (put("test_labels", lambda a: a.astype(str)), "test_labels has dtype <U21"),
        (put("train_labels", lambda a: a.astype(object)), "train_labels has dtype object.*whole-number"),
        (put("train_labels", relabel(4, -1)), "train_labels holds the label -1"),
        (put("train_labels", relabel(4, 3)), r"train_labels has no sample of class 4.*0\.\.9"),
        (put("train_labels", relabel(9, 8)), r"train_labels has no sample of class 9.*0\.\.9"),
        (put("test_labels", relabel(0, 1)), "test_labels has no sample of class 0"),
        (put("train_labels", relabel(9, 10**15)), "train_labels has no sample of class 9"),
    ],
)
def test_an_array_that_does_not_fit_is_named_with_what_is_wrong(save, arrays, damage, expected):
    damage(arrays)
    dataset = save(arrays)
    with pytest.raises(UserError, match=expected) as refused:
        dataset.load()
    assert "set.npz" in str(refused.value)
    assert "Allowed: " in str(refused.value)


@pytest.mark.parametrize(
    ("num_classes", "expected"),
    [(9, r"train_labels holds the label 9.*0\.\.8"), (11, "train_labels has no sample of class 10")],
)
def test_a_stated_number_of_classes_is_held_to(save, arrays, num_classes, expected):
    with pytest.raises(UserError, match=expected):
        save(arrays, num_classes=num_classes).load()


def test_a_single_class_leaves_nothing_to_tell(save, arrays):
    alone = {name: np.zeros_like(a) if name.endswith("labels") else a for name, a in arrays.items()}
    with pytest.raises(UserError, match="holds one class only"):
        save(alone).load()


@pytest.mark.parametrize("num_classes", [1, 0, "ten", 2.0])
def test_a_wrong_number_of_classes_is_refused(num_classes):
    with pytest.raises(UserError, match=r"dataset\.num_classes=.*2 or more"):
        Npz(path="set.npz", **{**SETTINGS, "num_classes": num_classes})


def test_no_path_is_refused_with_the_layout_of_the_file():
    with pytest.raises(UserError, match=r"dataset\.path=FILE\.npz.*train_images.*test_labels"):
        Npz(path=None, **SETTINGS)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04N.", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    file = tmp_path / "set.npz"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"set\.npz cannot be read"):
        Npz(path=str(file), **SETTINGS).load()


def test_a_single_array_a_folder_and_nothing_are_refused(tmp_path):
    np.save(tmp_path / "set.npy", np.zeros(3))
    with pytest.raises(UserError, match="it holds a single array"):
        Npz(path=str(tmp_path / "set.npy"), **SETTINGS).load()
    for path in (tmp_path, tmp_path / "absent.npz"):
        with pytest.raises(UserError, match=r"cannot be read: (No such file|Is a directory)"):
            Npz(path=str(path), **SETTINGS).load()


def tiny():
    labels = np.array([0, 1, 0, 1], np.uint8)
    images = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
    return {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}


@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
def test_a_file_cut_off_anywhere_or_with_any_byte_changed_gives_the_data_or_a_user_error(tmp_path, save_as):
    buffer = io.BytesIO()
    save_as(buffer, **tiny())
    whole = buffer.getvalue()
    cut = [whole[:length] for length in range(0, len(whole), 7)]
    changed = [whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(0, len(whole), 3)]
    file, refused = tmp_path / "set.npz", 0
    dataset = Npz(path=str(file), **SETTINGS)
    for content in cut + changed:
        file.write_bytes(content)
        try:
            train, _ = dataset.load()
        except UserError:
            refused += 1
        else:
            assert np.array_equal(train.images[:, 0].numpy(), tiny()["train_images"])
            assert train.labels.tolist() == [0, 1, 0, 1]
    assert refused > len(cut)


def test_a_pickle_in_disguise_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return tmp_path.joinpath("ran").touch, ()

    arrays = {**tiny(), "train_labels": np.array([Bomb()] * 4, dtype=object)}
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(UserError, match="train_labels has dtype object"):
        Npz(path=str(tmp_path / "set.npz"), **SETTINGS).load()
    with zipfile.ZipFile(tmp_path / "set.npz") as archive:
        assert b"joinpath" in archive.read("train_labels.npy") or b"touch" in archive.read("train_labels.npy")
    assert not (tmp_path / "ran").exists()

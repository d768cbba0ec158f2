"""Labelled images of others: archives, folders, parquet files."""

import io
import json
import os
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.jobs import images as archive_of
from unlearnleak.errors import UserError
from unlearnleak.foreign.images import open_images

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (6, 8, 10, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
LABELS = np.array([0, 1, 2, 0, 1, 2])


def saved(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def png(pixels, mode=None, kind="PNG"):
    content = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(content, kind)
    return content.getvalue()


def folder(path, pictures=COLOUR, names=("cat", "dog", "emu"), suffix="png"):
    for number, name in enumerate(names):
        (path / name).mkdir(parents=True)
        for row in np.flatnonzero(number == LABELS):
            (path / name / f"{row}.{suffix}").write_bytes(png(pictures[row]))
    return path


def test_an_archive_of_images_and_labels(tmp_path):
    for pixels in (COLOUR, GREY, GREY[..., None]):
        found = open_images(saved(tmp_path / "i.bin", images=pixels, labels=LABELS))
        expected = pixels.transpose(0, 3, 1, 2) if pixels.ndim == 4 else pixels[:, None]
        assert np.array_equal(found.images.images.numpy(), expected)
        assert found.images.labels.tolist() == LABELS.tolist()
        assert (found.images.num_classes, found.class_names, found.notes) == (3, None, ())


def test_floats_from_0_to_1_become_256_levels(tmp_path):
    found = open_images(saved(tmp_path / "i.npz", images=GREY.astype(np.float64) / 255, labels=LABELS))
    assert np.array_equal(found.images.images.numpy()[:, 0], GREY)
    assert found.notes == ("floating-point images were rounded to 256 levels",)


def test_this_projects_own_layout_gives_the_test_images(tmp_path):
    arrays = archive_of(classes=3, train=6, test=3)
    found = open_images(saved(tmp_path / "i.npz", **arrays))
    assert np.array_equal(found.images.labels.numpy(), arrays["test_labels"])
    assert found.notes == ("the images are its test_images",)


def test_a_folder_of_class_folders_in_the_order_of_their_names(tmp_path):
    found = open_images(folder(tmp_path / "set"))
    assert found.class_names == ("cat", "dog", "emu")
    order = [0, 3, 1, 4, 2, 5]
    assert np.array_equal(found.images.images.numpy(), COLOUR[order].transpose(0, 3, 1, 2))
    assert found.images.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.kind == "folder of class folders"


def test_it_agrees_with_torchvision(tmp_path):
    from torchvision.datasets import ImageFolder

    folder(tmp_path / "set", names=("b", "Z", "a"))
    theirs, ours = ImageFolder(tmp_path / "set"), open_images(tmp_path / "set")
    assert ours.class_names == tuple(theirs.classes)
    assert ours.images.labels.tolist() == theirs.targets
    assert np.array_equal(ours.images.images.numpy(), [np.asarray(picture).transpose(2, 0, 1) for picture, _ in theirs])


def test_pictures_of_other_sizes_need_a_size_that_is_told(tmp_path):
    folder(tmp_path / "set")
    (tmp_path / "set" / "emu" / "9.png").write_bytes(png(COLOUR[0, :5]))
    with pytest.raises(UserError, match=r"9\.png is 5x10x3, and the pictures before it are 8x10x3"):
        open_images(tmp_path / "set")
    found = open_images(tmp_path / "set", shape=(3, 8, 10))
    assert np.array_equal(found.images.images.numpy()[0], COLOUR[0].transpose(2, 0, 1))
    assert found.images.image_shape == (3, 8, 10)
    assert "resized to 8x10" in found.notes[0]


def test_a_class_without_images_is_counted(tmp_path):
    folder(tmp_path / "set")
    (tmp_path / "set" / "fox").mkdir()
    found = open_images(tmp_path / "set")
    assert found.images.class_counts().tolist() == [2, 2, 2, 0]
    assert found.notes == ("no image of 1 of 4 classes: 3",)
    assert open_images(saved(tmp_path / "i.npz", images=GREY, labels=LABELS), num_classes=5).notes == (
        "no image of 2 of 5 classes: 3, 4",
    )


@pytest.mark.parametrize(
    ("arrays", "more", "told"),
    [
        ({"images": GREY, "labels": LABELS}, {"num_classes": 2}, r"holds the label 2\. Allowed: 0\.\.1"),
        ({"images": GREY, "labels": LABELS - 1}, {}, "holds the label -1"),
        ({"images": GREY, "labels": LABELS}, {"shape": (3, 8, 10)}, r"of 1x8x10 .* 3x8x10 is needed\. Convert grey"),
        ({"images": GREY, "labels": LABELS}, {"shape": (1, 8, 8)}, r"of 1x8x10 \(C x H x W\), and 1x8x8 is needed"),
        ({"images": GREY * 1.0, "labels": LABELS}, {}, r"values are \d+ to 25\d, and 0 to 1 is needed"),
        ({"images": GREY / 255 - 0.5, "labels": LABELS}, {}, r"values are -0\.\d+ to 0\.\d+, and 0 to 1"),
        ({"images": GREY / 0, "labels": LABELS}, {}, "values are nan to nan|values are inf to inf"),
        ({"images": GREY.astype(int), "labels": LABELS}, {}, "the images are int64"),
        ({"images": COLOUR.transpose(0, 3, 1, 2), "labels": LABELS}, {}, "channels first"),
        ({"images": COLOUR[..., :2], "labels": LABELS}, {}, r"of shape \(6, 8, 10, 2\)"),
        ({"images": GREY[:0], "labels": LABELS[:0]}, {}, r"of shape \(0, 8, 10\)"),
        ({"images": GREY, "labels": LABELS[:2]}, {}, "holds 6 rows and 2 labels"),
        ({"images": GREY, "labels": LABELS * 1.0}, {}, "the labels are float64"),
        ({"images": GREY, "labels": np.array([2**40] * 6)}, {}, "holds the label 1099511627776"),
        ({"images": GREY}, {}, "holds the arrays images"),
        ({"images": np.array([{}]), "labels": LABELS}, {}, "the images are object"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_cannot_be_used_is_told_in_a_line(tmp_path, arrays, more, told):
    with pytest.raises(UserError, match=told) as refused:
        open_images(saved(tmp_path / "i.npz", **arrays), **more)
    assert "\n" not in str(refused.value)


def test_pictures_that_cannot_be_used_are_named(tmp_path):
    place = folder(tmp_path / "set")
    odd = {
        "no picture": (b"GIF89a nothing", r"cat.0a\.png is no picture that can be read"),
        "grey among colour": (png(COLOUR[0], "L"), r"0a\.png is 8x10, and the pictures before it are 8x10x3"),
        "transparent": (png(np.dstack([COLOUR[0], GREY[0]])), r"0a\.png is a picture of mode RGBA"),
        "another kind": (png(COLOUR[0], "CMYK", "JPEG"), "mode CMYK"),
    }
    for content, told in odd.values():
        (place / "cat" / "0a.png").write_bytes(content)
        with pytest.raises(UserError, match=told):
            open_images(place)


def test_pictures_are_shown_as_what_they_are(tmp_path):
    """A palette, black and white, or an opacity that hides nothing change no pixel."""
    place = tmp_path / "set"
    (place / "a").mkdir(parents=True)
    (place / "b").mkdir()
    opaque = np.dstack([COLOUR[0], np.full((8, 10), 255, np.uint8)])
    (place / "a" / "0.png").write_bytes(png(opaque))
    (place / "b" / "1.png").write_bytes(png(COLOUR[1] // 128 * 255, "P"))
    found = open_images(place).images.images.numpy()
    assert np.array_equal(found[0], COLOUR[0].transpose(2, 0, 1))
    assert found.shape == (2, 3, 8, 10)


def test_a_bomb_of_pixels_a_pipe_and_a_link_without_end_are_refused(tmp_path):
    place = folder(tmp_path / "set")
    for side in (6_000, 60_000):
        bomb = bytearray(png(GREY[0]))
        bomb[16:24] = side.to_bytes(4, "big") * 2
        bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
        (place / "cat" / "0.png").write_bytes(bomb)
        with pytest.raises(UserError, match="claims more than 33554432 pixels"):
            open_images(place)
    (place / "cat" / "0.png").unlink()
    os.mkfifo(place / "cat" / "0.png")
    with pytest.raises(UserError, match="no regular file"):
        open_images(place)
    (place / "cat" / "0.png").unlink()
    (place / "cat" / "0.png").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="no regular file"):
        open_images(place)
    (place / "cat" / "0.png").unlink()
    (place / "cat" / "loop").symlink_to(place)
    assert len(open_images(place).images) == 5


def test_a_folder_that_is_none_says_what_is_wanted(tmp_path):
    with pytest.raises(UserError, match="a folder without folders of classes"):
        open_images(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(UserError, match=r"0 pictures in 1 folders of classes"):
        open_images(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="is a folder of a model"):
        open_images(tmp_path)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        open_images(tmp_path / "nowhere")


def parquet(path, pictures=COLOUR, labels=LABELS, image="image", label="label", names=None):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"bytes": png(pixels), "path": None} for pixels in pictures]
    table = arrow.table({image: rows, label: labels.tolist()})
    if names:
        features = {"info": {"features": {label: {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)
    return path


def test_parquet_files_as_the_hub_has_them(tmp_path):
    found = open_images(parquet(tmp_path / "one.bin", names=["cat", "dog", "emu"]))
    assert np.array_equal(found.images.images.numpy(), COLOUR.transpose(0, 3, 1, 2))
    assert found.images.labels.tolist() == LABELS.tolist()
    assert found.class_names == ("cat", "dog", "emu")
    parquet(tmp_path / "set" / "data" / "train-00000-of-00001.parquet", labels=LABELS * 0)
    parquet(tmp_path / "set" / "data" / "test-00000-of-00001.parquet", image="img", label="fine_label")
    found = open_images(tmp_path / "set")
    assert found.images.labels.tolist() == LABELS.tolist()
    assert found.notes == ("the images are those of its part 'test'",)


def test_parquet_files_without_such_columns_are_told_in_a_line(tmp_path):
    with pytest.raises(UserError, match=r"has the columns text, label\. Allowed"):
        open_images(parquet(tmp_path / "a.parquet", image="text"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"\0" * 40)
    with pytest.raises(UserError, match="is no sound file of parquet or Arrow"):
        open_images(tmp_path / "a.parquet")


def test_a_folder_that_the_datasets_library_saved(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"img": [{"bytes": png(pixels), "path": None} for pixels in COLOUR], "label": LABELS.tolist()})
    place = tmp_path / "set" / "test"
    place.mkdir(parents=True)
    (tmp_path / "set" / "dataset_dict.json").write_text("{}")
    with arrow.ipc.new_stream(place / "data-00000-of-00001.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=4)
    found = open_images(tmp_path / "set")
    assert np.array_equal(found.images.images.numpy(), COLOUR.transpose(0, 3, 1, 2))
    assert found.images.labels.tolist() == LABELS.tolist()


def test_without_pyarrow_the_way_out_is_told(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"\0" * 40)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'unlearnleak\[parquet\]'"):
        open_images(tmp_path / "a.parquet")


def test_folders_of_numbers_that_are_sorted_as_text_are_told(tmp_path):
    eleven = [COLOUR[0]] * 11
    found = open_images(folder(tmp_path / "a", eleven, [str(c) for c in range(11)]))
    assert found.class_names[2] == "10"
    assert any("folder 10 is class 2" in note for note in found.notes)
    padded = open_images(folder(tmp_path / "b", eleven, [f"{c:02}" for c in range(11)]))
    assert not any("sorted as text" in note for note in padded.notes)

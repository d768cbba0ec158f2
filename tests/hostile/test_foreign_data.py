"""Images and answers of a stranger (foreign/): what is read is in range and as large as it says, or words come."""

import io
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.hostile.damage import BOUNDED, NUMBERS, OVERHEAD, damaged, words_or_result
from unlearnleak.foreign.answers import open_answers
from unlearnleak.foreign.images import open_images
from unlearnleak.foreign.picture import FORMATS

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
P = RANDOM.dirichlet(np.ones(3), 6)


def archive(save=np.savez, **arrays):
    content = io.BytesIO()
    save(content, **arrays)
    return content.getvalue()


def picture(kind):
    content = io.BytesIO()
    Image.fromarray(PIXELS[0]).save(content, kind)
    return content.getvalue()


IMAGES = archive(images=PIXELS, labels=LABELS)
FLOATS = archive(np.savez_compressed, images=PIXELS / 255, labels=LABELS)
ANSWERS = archive(probabilities=P, labels=LABELS)
TABLE = b"label,p0,p1,p2\n" + b"".join(
    b"%d,%.6f,%.6f,%.6f\n" % (label, *row) for label, row in zip(LABELS, P.tolist(), strict=True)
)


def images_or_words(path, size):
    found, peak = words_or_result(lambda: open_images(path))
    if found is not None:
        data = found.images
        assert (data.labels >= 0).all()
        assert (data.labels < data.num_classes).all()
        assert found.images.images.numel() <= 2000 * size
    assert peak < 200 * size + OVERHEAD
    return found


def answers_or_words(path):
    found, peak = words_or_result(lambda: open_answers(path))
    if found is not None:
        sums_N = found.probabilities_NK.sum(1)
        assert torch.allclose(sums_N, torch.ones_like(sums_N), atol=1e-3)
        assert found.probabilities_NK.min() >= 0
        assert (found.labels_N < found.num_classes).all()
    assert peak < 200 * path.stat().st_size + OVERHEAD
    return found


@pytest.mark.parametrize("sound", [IMAGES, FLOATS], ids=["bytes", "floats"])
@BOUNDED
@given(data=st.data())
def test_a_damaged_archive_of_images(tmp_path, sound, data):
    path = tmp_path / "x"
    path.write_bytes(data.draw(damaged(sound)))
    images_or_words(path, path.stat().st_size)


@pytest.mark.parametrize(("sound", "reader"), [(IMAGES, open_images), (ANSWERS, open_answers)])
@BOUNDED
@given(data=st.data())
def test_arrays_that_were_made_up_though_their_checksums_are_right(tmp_path, sound, reader, data):
    path = tmp_path / "x"
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        changed = data.draw(st.sampled_from(old.namelist()))
        for name in old.namelist():
            new.writestr(name, data.draw(damaged(old.read(name))) if name == changed else old.read(name))
    if reader is open_images:
        images_or_words(path, len(sound))
    else:
        answers_or_words(path)


@BOUNDED
@given(damaged(ANSWERS))
def test_a_damaged_archive_of_answers(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    answers_or_words(tmp_path / "x")


@BOUNDED
@given(damaged(TABLE))
def test_a_damaged_table(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    answers_or_words(tmp_path / "x")


@BOUNDED
@given(
    st.lists(
        st.sampled_from((*map(str, NUMBERS), "nan", "1e400", "-0.5", "", '"', "=1+1", "\x1b[2J", "0.5")), max_size=9
    )
)
def test_cells_that_were_made_up(tmp_path, cells):
    (tmp_path / "x").write_text("label,p0,p1\n0,0.5,0.5\n" + ",".join(cells) + "\n")
    answers_or_words(tmp_path / "x")


@pytest.mark.parametrize("kind", FORMATS)
@BOUNDED
@given(data=st.data())
def test_damaged_pictures(tmp_path, kind, data):
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name / "0.png").write_bytes(picture(kind))
    content = data.draw(damaged(picture(kind)))
    (tmp_path / "set" / "b" / "0.png").write_bytes(content)
    images_or_words(tmp_path / "set", 2**16)


@BOUNDED
@given(data=st.data())
def test_damaged_parquet(tmp_path, data):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"bytes": picture("PNG"), "path": None}] * 3
    written = io.BytesIO()
    parquet.write_table(arrow.table({"image": rows, "label": [0, 1, 1]}), written)
    (tmp_path / "x").write_bytes(data.draw(damaged(written.getvalue())))
    images_or_words(tmp_path / "x", 2**16)


def test_the_sound_ones_are_read(tmp_path):
    for content in (IMAGES, FLOATS):
        (tmp_path / "x").write_bytes(content)
        assert np.array_equal(open_images(tmp_path / "x").images.images.numpy(), PIXELS.transpose(0, 3, 1, 2))
    for content in (ANSWERS, TABLE):
        (tmp_path / "x").write_bytes(content)
        assert np.allclose(open_answers(tmp_path / "x").probabilities_NK.numpy(), P, atol=1e-5)

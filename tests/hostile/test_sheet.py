"""A contact sheet in somebody's run is a picture of ours, or none: whatever its file says of itself."""

import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.hostile.damage import BOUNDED, OVERHEAD, damaged, words_or_result
from unlearnleak.runs.sheet import MOST_PIXELS, SHEET, read_sheet, write_sheet
from unlearnleak.runs.stored import GoneError

ROWS = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 24), dtype=np.uint8)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    write_sheet(folder, ROWS)
    return (folder / SHEET).read_bytes()


@BOUNDED
@given(data=st.data())
def test_a_damaged_sheet_is_a_picture_or_none(tmp_path, sound, data):
    (tmp_path / SHEET).write_bytes(data.draw(damaged(sound)))
    found, peak = words_or_result(lambda: read_sheet(tmp_path), GoneError)
    assert found is None or (found.dtype == np.uint8 and found.shape[1] % 3 == 0)
    assert peak < OVERHEAD + 4 * MOST_PIXELS


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_any_kind_takes_no_more_than_its_pixels(tmp_path, mode):
    out = io.BytesIO()
    Image.new(mode, (4095, 4095)).save(out, "PNG")
    (tmp_path / SHEET).write_bytes(out.getvalue())
    found, _ = words_or_result(lambda: read_sheet(tmp_path), GoneError)
    assert found is None or found.size <= 3 * MOST_PIXELS


def test_nobody_waits_on_a_pipe(tmp_path):
    os.mkfifo(tmp_path / SHEET)
    with pytest.raises(GoneError, match="no file"):
        read_sheet(tmp_path)


def test_a_device_has_no_picture(tmp_path):
    (tmp_path / SHEET).symlink_to("/dev/zero")
    with pytest.raises(GoneError, match="no file"):
        read_sheet(tmp_path)


def test_the_sound_one_is_read(tmp_path, sound):
    (tmp_path / SHEET).write_bytes(sound)
    assert read_sheet(tmp_path).shape == (32, 24, 3)

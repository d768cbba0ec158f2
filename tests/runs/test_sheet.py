"""A contact sheet is written and read back; what is none is named."""

import numpy as np
import pytest
from PIL import Image

from unlearnleak.runs.sheet import SHEET, read_sheet, write_sheet
from unlearnleak.runs.stored import GoneError


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read_back_row_below_row(tmp_path, channels):
    rows_PCHW = np.random.default_rng(0).integers(0, 256, (3, channels, 4, 15), dtype=np.uint8)
    write_sheet(tmp_path, rows_PCHW)
    picture = read_sheet(tmp_path)
    expected = np.concatenate([row.transpose(1, 2, 0) for row in rows_PCHW])
    assert np.array_equal(picture, expected[..., 0] if channels == 1 else expected)
    assert [path.name for path in tmp_path.iterdir()] == [SHEET]


@pytest.mark.parametrize("shape", [(0, 1, 4, 12), (2, 2, 4, 12)])
def test_of_no_images_and_of_what_no_picture_can_show_nothing_is_written(tmp_path, shape):
    write_sheet(tmp_path, np.zeros(shape, dtype=np.uint8))
    assert not list(tmp_path.iterdir())
    assert read_sheet(tmp_path) is None


def test_a_run_of_a_csv_has_none(tmp_path):
    (tmp_path / "runs.csv").write_text("a")
    assert read_sheet(tmp_path / "runs.csv" / "line 2") is None


def damaged(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\nnothing")


def jpeg(path):
    Image.new("L", (12, 4)).save(path, "JPEG")


def huge(path):
    Image.new("1", (30_000, 10_000)).save(path, "PNG")


def odd(path):
    Image.new("L", (13, 4)).save(path, "PNG")


def folder(path):
    path.mkdir()


@pytest.mark.parametrize("make", [damaged, jpeg, huge, odd, folder])
def test_anything_else_in_its_place_is_named(tmp_path, make):
    make(tmp_path / SHEET)
    with pytest.raises(GoneError, match=SHEET):
        read_sheet(tmp_path)
